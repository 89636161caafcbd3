--- The version of the plugin's Lua side, and of the protocol that it speaks with the program.
--- A test holds them against Cargo.toml and `src/editor/event.rs`.
return {
  --- The release that this checkout belongs to; the program says the same with `--version`.
  plugin = "0.1.0",
  --- Counted up with each change after which an older program and this Lua side, or the other way round, misunderstand
  --- each other.
  protocol = 2,
}
