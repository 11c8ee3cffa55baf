#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rivulet_hostile::chat_frame(data));
