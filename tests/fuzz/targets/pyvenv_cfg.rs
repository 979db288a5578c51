//! `pyvenv.cfg`: writing what was read gives a file that reads the same, and no value brings a line of its own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use venvkeep_core::model::pyvenv_cfg::PyvenvCfg;

fuzz_target!(|bytes: &[u8]| {
    let config = PyvenvCfg::parse(bytes);
    let _ = (config.version(), config.creator(), config.home(), config.executable());
    let entries: Vec<_> = config.entries().collect();
    for (key, value) in &entries {
        assert!(!key.is_empty() && !key.contains(['\n', '\r', '=']), "{key:?}");
        assert!(!value.contains(['\n', '\r']), "{value:?}");
    }
    let text = config.to_text();
    assert_eq!(PyvenvCfg::parse(text.as_bytes()).to_text(), text, "written, read and written again");

    let mut made = PyvenvCfg::default();
    for (key, value) in entries {
        let before = made.entries().count();
        if made.set(key, value).is_ok() {
            assert_eq!(made.get(key), Some(value));
        } else {
            assert_eq!(made.entries().count(), before, "a refused value leaves nothing");
        }
    }
    if let Some(prompt) = config.prompt() {
        made.set_prompt(&prompt).expect("any text can be a prompt");
        assert_eq!(made.prompt(), Some(prompt));
    }
    assert_eq!(PyvenvCfg::parse(made.to_text().as_bytes()), made);
});
