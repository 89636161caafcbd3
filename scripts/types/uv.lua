--- Types of luv that Neovim's runtime does not have.
---@meta

---@class uv.uv_timer_t
---@class uv.uv_process_t
