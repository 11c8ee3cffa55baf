//! `rivulet-bindgen MODULE.wasm OUT_DIR`: writes the JavaScript that loads the module, and the
//! module without what only that needed.

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let module = args.next().context("usage: rivulet-bindgen MODULE.wasm OUT_DIR")?;
    let out = args.next().context("usage: rivulet-bindgen MODULE.wasm OUT_DIR")?;
    Bindgen::new()
        .input_path(module)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(out)
}
