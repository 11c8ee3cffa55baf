#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rivulet_hostile::rtmp_session(data));
