use super::*;
use bytes::Bytes;
use proptest::prelude::*;
use std::process::{Command, Stdio};

fn constant(line: &Line, value: f32, frames: usize) {
    line.push(&vec![[value; 2]; frames]);
}

fn mixer_of(sources: &[(&str, f32, Settings)]) -> (Mixer, Vec<Line>) {
    let mut mixer = Mixer::default();
    let lines = sources.iter().map(|(id, value, settings)| {
        let line = Line::default();
        constant(&line, *value, 24_000);
        mixer.set(id, line.clone(), *settings).unwrap();
        line
    });
    let lines = lines.collect();
    (mixer, lines)
}

fn db(gain_db: f32) -> Settings {
    Settings { gain_db, ..Settings::default() }
}

#[test]
fn silence_when_there_is_nothing() {
    let mut mixer = Mixer::default();
    assert_eq!(mixer.block(0), [[0.0; 2]; BLOCK]);
    let line = Line::default();
    constant(&line, 0.5, 100);
    mixer.set("a", line, Settings::default()).unwrap();
    let block = mixer.block(0);
    assert!(block[..100].iter().all(|frame| *frame == [0.5; 2]) && block[100..].iter().all(|frame| *frame == [0.0; 2]));
    assert_eq!(mixer.level_of("a").unwrap().peak, 0.5);
    mixer.block(0);
    assert_eq!((mixer.level().peak, mixer.level_of("a").unwrap().db()), (0.0, -96.0));
}

#[test]
fn gains_add_up() {
    let muted = Settings { muted: true, ..Settings::default() };
    let (mut mixer, _lines) =
        mixer_of(&[("a", 0.5, db(-20.0)), ("b", 0.2, db(6.0206)), ("c", 0.9, muted), ("d", 1.0, db(-96.0))]);
    let [left, right] = mixer.block(0)[500];
    assert!((left - 0.45).abs() < 1e-4 && left == right, "{left}");
    assert!((mixer.level_of("a").unwrap().rms - 0.05).abs() < 1e-4);
    mixer.fade_master(-96.0, 0).unwrap();
    assert_eq!(mixer.block(0)[BLOCK - 1], [0.0; 2]);
}

#[test]
fn a_fade_is_straight_and_ends_when_it_was_said() {
    let (mut mixer, _lines) = mixer_of(&[("a", 0.5, Settings::default())]);
    assert_eq!(mixer.change("a", Settings { muted: true, ..Settings::default() }, 100), Ok(true));
    assert_eq!(mixer.change("b", Settings::default(), 100), Ok(false));
    let heard: Vec<f32> = (0..6).flat_map(|_| mixer.block(0)).map(|frame| frame[0]).collect();
    assert!(heard[..4_800].is_sorted_by(|a, b| a > b));
    assert!((heard[2_399] - 0.25).abs() < 1e-3 && heard[4_798] > 0.0);
    assert!(heard[4_799..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn speech_ducks_music() {
    let ducks = Ducking { above_db: -30.0, by_db: 20.0, attack_ms: 20, hold_ms: 100, release_ms: 200 };
    let (mut mixer, lines) = mixer_of(&[
        ("music", 0.5, Settings::default()),
        ("voice", 0.0, Settings { ducks: Some(ducks), ..Settings::default() }),
    ]);
    let mut now = || mixer.block(0)[BLOCK - 1][0];
    assert_eq!(now(), 0.5);
    // Alternating, so that speech has a level but no part in the sample that is looked at.
    lines[1].push(&(0..24_000).map(|n| [if n % 2 == 0 { 0.1 } else { 0.0 }; 2]).collect::<Vec<_>>());
    let during: Vec<f32> = (0..24).map(|_| now()).collect();
    assert!((during[1] - 0.05).abs() < 1e-3 && (during[20] - 0.05).abs() < 1e-3, "{during:?}");
    constant(&lines[0], 0.5, 24_000);
    let after: Vec<f32> = (0..20).map(|_| now()).collect();
    assert!(after.is_sorted() && after[0] < 0.06 && after[19] == 0.5, "{after:?}");
}

#[test]
fn a_line_is_bounded() {
    let line = Line::default();
    assert_eq!(line.push(&vec![[0.1; 2]; 24_000]), 0);
    assert_eq!(line.push(&[[0.2; 2]; 1_000]), 1_000);
    let mut all = vec![[0.0; 2]; 30_000];
    assert_eq!(line.take(0, &mut all), 24_000);
    assert_eq!((all[22_999], all[23_000]), ([0.1; 2], [0.2; 2]));
    line.push(&[[0.3; 2]]);
    line.close();
    assert!(!line.is_over() && !line.push_all(&[[0.0; 2]]));
    line.take(0, &mut all);
    assert!(line.is_over());
}

#[test]
fn who_is_not_heard_any_more_waits_no_longer() {
    let mut mixer = Mixer::default();
    let line = Line::default();
    mixer.set("a", line.clone(), Settings::default()).unwrap();
    let writer = std::thread::spawn(move || line.push_all(&vec![[0.0; 2]; 100_000]));
    assert!(mixer.remove("a") && !mixer.remove("a"));
    assert!(!writer.join().unwrap());
}

#[test]
fn what_cannot_be_set() {
    let mut mixer = Mixer::default();
    let duck = |ducks| Settings { ducks: Some(ducks), ..Settings::default() };
    for (settings, field) in [
        (db(24.1), "gain_db"),
        (db(f32::NAN), "gain_db"),
        (db(f32::NEG_INFINITY), "gain_db"),
        (duck(Ducking { above_db: 1.0, ..Ducking::default() }), "ducks.above_db"),
        (duck(Ducking { by_db: -1.0, ..Ducking::default() }), "ducks.by_db"),
        (duck(Ducking { hold_ms: 10_001, ..Ducking::default() }), "ducks.hold_ms"),
    ] {
        assert_eq!(mixer.set("a", Line::default(), settings).unwrap_err().field, field);
    }
    (0..64).for_each(|n| mixer.set(&n.to_string(), Line::default(), Settings::default()).unwrap());
    assert_eq!(mixer.set("64", Line::default(), Settings::default()).unwrap_err().field, "id");
    mixer.set("3", Line::default(), db(-3.0)).unwrap();
}

proptest! {
    #[test]
    fn never_beyond_full_scale(
        samples in proptest::collection::vec(prop_oneof![-4f32..4.0, Just(f32::NAN), Just(f32::INFINITY)], 1..4_000),
        gain in -20f32..24.0,
    ) {
        let mut mixer = Mixer::default();
        for id in ["a", "b"] {
            let line = Line::default();
            line.push(&samples.iter().map(|sample| [*sample, -*sample]).collect::<Vec<_>>());
            mixer.set(id, line, db(gain)).unwrap();
        }
        for frame in (0..4).flat_map(|_| mixer.block(0)) {
            prop_assert!(frame.iter().all(|sample| sample.abs() <= 0.98), "{frame:?}");
        }
    }
}

/// A second and a half of a tone of half the full scale, in the format that `args` say.
fn tone(args: &[&str]) -> Bytes {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i"])
        .args(["aevalsrc=0.5*sin(2*PI*440*t)|0.5*sin(2*PI*440*t):d=1.5:s=44100"])
        .args(args)
        .arg("pipe:1")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout.into()
}

fn heard(line: &Line) -> Vec<Frame> {
    let mut all = Vec::new();
    let mut block = [[0.0; 2]; BLOCK];
    while !line.is_over() {
        let taken = line.take(0, &mut block);
        all.extend_from_slice(&block[..taken]);
        if taken == 0 {
            std::thread::yield_now();
        }
    }
    all
}

#[test]
fn files_of_every_kind_are_heard_whole() {
    for args in [
        &["-f", "wav"][..],
        &["-f", "wav", "-ar", "48000", "-c:a", "pcm_f32le"],
        &["-f", "wav", "-ac", "1", "-ar", "8000"],
        &["-f", "wav", "-ac", "6", "-ar", "96000"],
        &["-f", "flac"],
        &["-f", "mp3"],
        &["-f", "ogg", "-c:a", "vorbis", "-strict", "experimental"],
        &["-f", "mp4", "-movflags", "frag_keyframe+empty_moov", "-c:a", "aac"],
    ] {
        let all = heard(&file::play(tone(args), false).unwrap());
        let seconds = all.len() as f64 / 48_000.0;
        assert!((1.4..1.65).contains(&seconds), "{args:?}: {seconds} s");
        let middle = &all[20_000..44_000];
        let (peak, crossings) = middle.windows(2).fold((0f32, 0), |(peak, crossings), pair| {
            let crossed = (pair[0][0] < 0.0) != (pair[1][0] < 0.0);
            (peak.max(pair[0][0].abs()), crossings + i32::from(crossed))
        });
        assert!((0.3..0.75).contains(&peak), "{args:?}: {peak}");
        assert!((436..=444).contains(&crossings), "{args:?}: {crossings} crossings in half a second");
    }
}

#[test]
fn a_loop_goes_on_until_it_is_closed() {
    let line = file::play(tone(&["-f", "flac"]), true).unwrap();
    let mut block = [[0.0; 2]; BLOCK];
    let mut frames = 0;
    while frames < 5 * 48_000 {
        frames += line.take(0, &mut block);
        std::thread::yield_now();
    }
    line.close();
    heard(&line);
}

#[test]
fn what_is_no_sound_is_refused() {
    let wav = tone(&["-f", "wav"]);
    let noise: Vec<u8> = (0..50_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (bytes, error) in [
        (Bytes::new(), file::FileError::Unknown),
        (Bytes::from_static(b"not a sound at all"), file::FileError::Unknown),
        (Bytes::from(noise), file::FileError::Unknown),
        (wav.slice(..44), file::FileError::Unknown),
    ] {
        assert_eq!(file::play(bytes, false).err(), Some(error));
    }
    // Cut off in the middle: what there is, is heard.
    let cut = heard(&file::play(wav.slice(..wav.len() / 2), false).unwrap());
    assert!((30_000..40_000).contains(&cut.len()), "{}", cut.len());
}
