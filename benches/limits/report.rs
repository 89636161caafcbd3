//! The table: one row for each figure, with the limit that it has to keep.

use std::process::ExitCode;

struct Row {
    name: String,
    unit: &'static str,
    limit: Option<f64>,
    /// The part of the samples that may not exceed the limit.
    part: f64,
    samples: Vec<f64>,
}

/// The figures so far, in the order in which they first came.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a sample of a figure whose median may be at most `limit`.
    pub fn limited(&mut self, name: impl Into<String>, unit: &'static str, limit: f64, sample: f64) {
        self.add(name.into(), unit, Some(limit), 0.5, sample);
    }

    /// Adds a sample of a figure of which none may be above `limit`.
    pub fn worst(&mut self, name: impl Into<String>, unit: &'static str, limit: f64, sample: f64) {
        self.add(name.into(), unit, Some(limit), 1.0, sample);
    }

    /// Adds a sample of a figure that is only shown.
    pub fn shown(&mut self, name: impl Into<String>, unit: &'static str, sample: f64) {
        self.add(name.into(), unit, None, 0.5, sample);
    }

    fn add(&mut self, name: String, unit: &'static str, limit: Option<f64>, part: f64, sample: f64) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row {
                name,
                unit,
                limit,
                part,
                samples: vec![sample],
            }),
        }
    }

    /// Prints the table; failure if a limit is missed.
    pub fn print(&self) -> ExitCode {
        println!(
            "{:<58}{:>10}{:>10}{:>10}{:>5}  verdict",
            "figure", "median", "worst", "limit", "n"
        );
        let mut missed = 0;
        for row in &self.rows {
            let figure = quantile(&row.samples, 0.5);
            let worst = quantile(&row.samples, 1.0);
            let (limit, verdict) = match row.limit {
                Some(limit) if quantile(&row.samples, row.part) <= limit => (round(limit), "ok"),
                Some(limit) => {
                    missed += 1;
                    (round(limit), "MISSED")
                }
                None => (String::from("-"), ""),
            };
            let name = format!("{}, {}", row.name, row.unit);
            println!(
                "{name:<58}{:>10}{:>10}{limit:>10}{:>5}  {verdict}",
                round(figure),
                round(worst),
                row.samples.len()
            );
        }
        println!("{missed} of the limits missed");
        ExitCode::from(u8::from(missed > 0))
    }
}

/// Three significant digits, or all before the point.
fn round(figure: f64) -> String {
    let digits = match figure.abs() {
        large if large >= 100.0 => 0,
        medium if medium >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{figure:.digits$}")
}

/// The smallest sample that at least the share `part` of them do not exceed.
pub fn quantile(samples: &[f64], part: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(f64::NAN)
}
