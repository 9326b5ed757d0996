#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roster_fuzz::run(roster_fuzz::transcode, data));
