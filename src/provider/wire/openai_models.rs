//! The parameters that OpenAI's models refuse. Facts (2026-11-22): OpenAI's [guide to reasoning](https://platform.openai.com/docs/guides/reasoning)
//! and recorded refusals. An unknown model is sent what the user set: a refusal names the parameter.

/// Families whose models reason: in Chat Completions their instructions have the role `developer`, which older models
/// refuse.
const REASONING: &[&str] = &["o1", "o3", "o4", "gpt-5", "gpt-6"];

/// Families that always reason, and so take no temperature. The others may be set not to.
const ALWAYS_REASONING: &[&str] = &["o1", "o3", "o4", "gpt-5", "gpt-6-astra", "gpt-6.1-sol", "gpt-6.2"];

/// Whether the model wants its instructions in the role `developer`.
#[must_use]
pub fn wants_developer(model: &str) -> bool {
    let stem = stem(model);
    // A version is part of the family: gpt-5.6 belongs to gpt-5.
    let belongs = |family: &&str| is_of(stem, family) || stem.starts_with(&format!("{family}."));
    !is_chat(stem) && REASONING.iter().any(belongs)
}

/// Whether the model reasons, as far as its name tells.
#[must_use]
pub fn reasons(model: &str) -> bool {
    wants_developer(model)
}

/// Whether the model refuses a temperature.
#[must_use]
pub fn refuses_temperature(model: &str) -> bool {
    let stem = stem(model);
    !is_chat(stem) && ALWAYS_REASONING.iter().any(|family| is_of(stem, family))
}

/// The model's name without a publisher before it and a fine-tuning's words around it.
fn stem(model: &str) -> &str {
    let model = model.strip_prefix("ft:").unwrap_or(model);
    let model = model.split(':').next().unwrap_or(model);
    model.rsplit('/').next().unwrap_or(model)
}

fn is_of(stem: &str, family: &str) -> bool {
    stem.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// `gpt-5-chat-latest` and its like do not reason.
fn is_chat(stem: &str) -> bool {
    stem.contains("-chat")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_their_names() {
        for (model, developer, refuses) in [
            ("gpt-4o", false, false),
            ("gpt-4.1-mini", false, false),
            ("o3", true, true),
            ("o4-mini", true, true),
            ("gpt-5", true, true),
            ("gpt-5-mini", true, true),
            ("gpt-5.6-sol", true, false),
            ("gpt-5-chat-latest", false, false),
            ("gpt-6-luna", true, false),
            ("gpt-6.1-sol", true, true),
            ("gpt-6.1-terra", true, false),
            ("gpt-6.2-astra", true, true),
            ("openai/o3", true, true),
            ("ft:gpt-5-mini:mine::x", true, true),
            ("gpt-50", false, false),
            ("o30", false, false),
            ("my-deployment", false, false),
        ] {
            assert_eq!(
                (wants_developer(model), refuses_temperature(model)),
                (developer, refuses),
                "{model}"
            );
        }
    }
}
