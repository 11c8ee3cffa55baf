//! What the fuzzer has found worth keeping, and mutations of it, on the ordinary toolchain. The
//! mutations are the same in every run.
#![allow(clippy::unwrap_used)]

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rivulet_hostile::{TARGETS, Target};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const MUTATIONS: u64 = 4_000;
const MAX_BYTES: usize = 64 * 1024;
/// Values at which lengths and counters turn over.
const CORNERS: [u32; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0xff_ffff, 0x7fff_ffff, u32::MAX];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = fuzz().join("corpus").join(target.name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn run(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target.name);
        fs::write(&kept, input).unwrap();
        panic!("{} breaks: keep {} in its corpus", target.name, kept.display());
    }
}

fn mutate(rng: &mut StdRng, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = inputs[rng.random_range(0..inputs.len())].clone();
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len().min(at + 64));
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            4 => {
                let corner = CORNERS[rng.random_range(0..CORNERS.len())].to_be_bytes();
                let corner = &corner[rng.random_range(0..4)..];
                let end = bytes.len().min(at + corner.len());
                bytes.splice(at..end, corner.iter().copied());
            }
            5 => {
                let other = &inputs[rng.random_range(0..inputs.len())];
                let from = rng.random_range(0..=other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

#[test]
fn no_input_breaks_a_reader() {
    for target in TARGETS {
        let inputs = corpus(target);
        assert!(inputs.len() >= 5, "{} has no corpus worth the name", target.name);
        inputs.iter().for_each(|input| run(target, input));
        let mut rng = StdRng::seed_from_u64(MUTATIONS);
        for _ in 0..MUTATIONS {
            run(target, &mutate(&mut rng, &inputs));
        }
    }
}

#[test]
fn every_target_has_its_fuzzer() {
    let mut fuzzers: Vec<_> = fs::read_dir(fuzz().join("fuzz_targets"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut targets: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    fuzzers.sort();
    targets.sort();
    assert_eq!(fuzzers, targets);
}
