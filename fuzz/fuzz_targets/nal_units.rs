#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rivulet_hostile::nal_units(data));
