//! What the benches' model says: markdown as models write it, with code in languages that Neovim brings parsers for.

const PIECE: &str = r#"## Reading a file, part N

A file is read **line by line**; the function `read_lines` below takes a *path* and gives the lines back. It stops at
the first error, and says [which](https://example.com/errors) one it was:

1. open the file, or say why not
2. read a line, without its `\n`
3. close the file

```lua
local M = {}

--- Reads all lines.
---@param path string
function M.read_lines(path)
  local file = assert(io.open(path, "r"))
  local lines = {}
  for line in file:lines() do
    lines[#lines + 1] = line:gsub("%s+$", "")
  end
  file:close()
  return lines
end

return M
```

The same in Vim script, where `readfile()` does all of it:

```vim
function! s:read_lines(path) abort
  if !filereadable(a:path)
    throw 'cannot read ' . a:path
  endif
  return map(readfile(a:path), {_, line -> substitute(line, '\s\+$', '', '')})
endfunction
```

And in C, where one has to take care of the *memory* as well:

```c
#include <stdio.h>

int read_lines(const char *path, void (*take)(const char *line)) {
  char line[4096];
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL) {
    take(line); /* with its newline */
  }
  return fclose(file);
}
```

> Note: a line that is longer than the buffer comes in pieces.

"#;

/// Text without end, line by line.
fn lines() -> impl Iterator<Item = String> {
    (1..).flat_map(|part: usize| {
        let piece = PIECE.replace("part N", &format!("part {part}"));
        piece.split_inclusive('\n').map(str::to_owned).collect::<Vec<_>>()
    })
}

/// The text's first `count` tokens: words with the white space before them, cut to six bytes at most.
pub fn tokens(count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    let mut token = String::new();
    for letter in lines().flat_map(|line| line.chars().collect::<Vec<_>>()) {
        let word_ends = letter.is_whitespace() && !token.trim().is_empty();
        if word_ends || token.len() == 6 {
            tokens.push(std::mem::take(&mut token));
            if tokens.len() == count {
                break;
            }
        }
        token.push(letter);
    }
    tokens
}

/// The text's first `count` lines, each as one token.
pub fn whole_lines(count: usize) -> Vec<String> {
    lines().take(count).collect()
}
