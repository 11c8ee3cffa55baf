//! CMAF (ISO/IEC 23000-19) on top of `mp4-atom`: one track for each file, an initialisation
//! segment with the configuration, and fragments of one `moof` and `mdat` each. And the same of two tracks
//! in one file, for what is kept to be played as a file.

use crate::aac::AacInfo;
use crate::{AudioFormat, ConfigError, Packet, TICKS_PER_SECOND, Ticks, VideoCodec, VideoFormat, av1, avc, hevc, vp9};
use bytes::Bytes;
use mp4_atom::{
    Atom, Audio, Av01, Avc1, Avcc, Codec, Decode, Dinf, Dref, DrefEntry, Encode, Esds, FixedPoint, FourCC, Ftyp, Hdlr,
    Hvc1, Mdhd, Mdia, Mfhd, Minf, Moof, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Styp, Tfdt, Tfhd, Tkhd, Traf,
    Trak, Trex, Trun, TrunEntry, TrunSamples, Url, Visual, Vmhd, Vp09, esds,
};

const TRACK_ID: u32 = 1;
/// Of sound, in a file with both.
const SOUND_ID: u32 = 2;
const CMAF: [&[u8; 4]; 3] = [b"iso6", b"cmfc", b"mp41"];
/// CMAF has one track in a file.
const MOVIE: [&[u8; 4]; 3] = [b"iso6", b"isom", b"mp41"];
/// Depends on no other sample.
const FLAGS_KEY: u32 = 0x0200_0000;
/// Depends on others, and decoding cannot start here.
const FLAGS_DELTA: u32 = 0x0101_0000;

#[derive(Debug, thiserror::Error)]
pub enum CmafError {
    #[error("cannot write MP4 boxes: {0}")]
    Boxes(#[from] mp4_atom::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the segment is too large for one fragment")]
    TooLarge,
}

/// Ticks a second inside a track's files. Audio uses its sample rate, so that frames of 1024
/// samples add up exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timescale(pub u32);

impl Timescale {
    pub const VIDEO: Self = Self(TICKS_PER_SECOND as u32);

    pub fn audio(format: &AudioFormat) -> Self {
        Self(format.sample_rate())
    }

    /// Ticks of the broadcast in these units.
    pub fn scale(self, ticks: Ticks) -> i64 {
        let scaled = i128::from(ticks) * i128::from(self.0);
        let half = i128::from(TICKS_PER_SECOND / 2) * if scaled < 0 { -1 } else { 1 };
        ((scaled + half) / i128::from(TICKS_PER_SECOND)) as i64
    }
}

pub fn video_init(format: &VideoFormat) -> Result<Bytes, CmafError> {
    init(&CMAF, vec![video_track(format, TRACK_ID)?])
}

/// Of AAC, which is all that renditions are in.
pub fn audio_init(format: &AudioFormat) -> Result<Bytes, CmafError> {
    init(&CMAF, vec![audio_track(format, TRACK_ID)])
}

/// Of one file with picture and sound, whose fragments are [`movie_fragment`]s.
pub fn movie_init(video: &VideoFormat, audio: &AudioFormat) -> Result<Bytes, CmafError> {
    init(&MOVIE, vec![video_track(video, TRACK_ID)?, audio_track(audio, SOUND_ID)])
}

fn video_track(format: &VideoFormat, id: u32) -> Result<Trak, CmafError> {
    let (width, height) = (format.width as u16, format.height as u16);
    let visual = Visual { data_reference_index: 1, width, height, ..Default::default() };
    let tkhd = Tkhd { width: FixedPoint::new(width, 0), height: FixedPoint::new(height, 0), ..track_header(id) };
    let minf = Minf { vmhd: Some(Vmhd::default()), ..Default::default() };
    Ok(track(tkhd, Timescale::VIDEO, b"vide", minf, sample_entry(format, visual)?))
}

fn sample_entry(format: &VideoFormat, visual: Visual) -> Result<Codec, CmafError> {
    let config = &format.config;
    Ok(match format.codec {
        VideoCodec::Avc => {
            let avcc = Avcc::decode_body(&mut config.as_ref())?;
            Avc1 { visual, avcc, btrt: None, colr: None, pasp: None, taic: None, fiel: None, spatial: None }.into()
        }
        VideoCodec::Hevc => {
            let mut hvcc = hevc::record(config)?;
            // `hvc1` promises that no picture needs other parameter sets than these.
            hvcc.arrays.iter_mut().for_each(|array| array.completeness = true);
            Hvc1 { visual, hvcc, ..Default::default() }.into()
        }
        VideoCodec::Av1 => Av01 { visual, av1c: av1::record(config)?, ..Default::default() }.into(),
        VideoCodec::Vp9 => Vp09 { visual, vpcc: vp9::record(config)?, ..Default::default() }.into(),
    })
}

fn audio_track(format: &AudioFormat, id: u32) -> Trak {
    let channel_count = if format.channels() == 0 { 2 } else { format.channels().into() };
    // A 16-bit field of whole Hz; decoders go by the AudioSpecificConfig.
    let sample_rate = FixedPoint::new(u16::try_from(format.sample_rate()).unwrap_or(0), 0);
    let dec_config = esds::DecoderConfig {
        object_type_indication: 0x40,
        stream_type: 5,
        dec_specific: Some(esds::DecoderSpecific { raw: format.config.to_vec(), ..Default::default() }),
        ..Default::default()
    };
    let es_desc = esds::EsDescriptor { es_id: id as u16, dec_config, ..Default::default() };
    let entry = Mp4a {
        audio: Audio { data_reference_index: 1, channel_count, sample_size: 16, sample_rate },
        esds: Esds { es_desc },
        btrt: None,
        taic: None,
    };
    let tkhd = Tkhd { volume: FixedPoint::new(1, 0), ..track_header(id) };
    let minf = Minf { smhd: Some(Smhd::default()), ..Default::default() };
    track(tkhd, Timescale::audio(format), b"soun", minf, entry.into())
}

/// What a playlist says of a file's track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// RFC 6381.
    pub codecs: String,
    /// Of video.
    pub size: Option<(u32, u32)>,
}

/// Reads what [`video_init`] or [`audio_init`] has written.
pub fn read_init(mut data: &[u8]) -> Option<Track> {
    Ftyp::decode(&mut data).ok()?;
    let moov = Moov::decode(&mut data).ok()?;
    let entry = moov.trak.first()?.mdia.minf.stbl.stsd.codecs.first()?;
    let video =
        |visual: &Visual, codecs| Some(Track { codecs, size: Some((visual.width.into(), visual.height.into())) });
    match entry {
        Codec::Avc1(Avc1 { visual, avcc, .. }) => {
            let Avcc { avc_profile_indication, profile_compatibility, avc_level_indication, .. } = *avcc;
            video(visual, avc::codec_string(avc_profile_indication, profile_compatibility, avc_level_indication))
        }
        Codec::Hvc1(Hvc1 { visual, hvcc, .. }) => video(visual, hevc::codec_string(hvcc)),
        Codec::Av01(Av01 { visual, av1c, .. }) => video(visual, av1::codec_string(av1c)),
        Codec::Vp09(Vp09 { visual, vpcc, .. }) => video(visual, vp9::codec_string(vpcc)),
        Codec::Mp4a(Mp4a { esds, .. }) => {
            let config = &esds.es_desc.dec_config.dec_specific.as_ref()?.raw;
            Some(Track { codecs: format!("mp4a.40.{}", AacInfo::parse(config).ok()?.object_type), size: None })
        }
        _ => None,
    }
}

fn track_header(track_id: u32) -> Tkhd {
    Tkhd { track_id, enabled: true, in_movie: true, ..Default::default() }
}

fn track(tkhd: Tkhd, timescale: Timescale, handler: &[u8; 4], minf: Minf, entry: Codec) -> Trak {
    let stsd = Stsd { codecs: vec![entry] };
    let stbl = Stbl { stsd, stco: Some(Stco::default()), ..Default::default() };
    let dinf = Dinf { dref: Dref { entries: vec![DrefEntry::Url(Url::default())] } };
    let mdia = Mdia {
        mdhd: Mdhd { timescale: timescale.0, language: "und".into(), ..Default::default() },
        hdlr: Hdlr { handler: FourCC::new(handler), name: "Rivulet".into() },
        minf: Minf { dinf, stbl, ..minf },
    };
    Trak { tkhd, edts: None, meta: None, mdia, senc: None, tref: None, udta: None }
}

fn init(brands: &[&[u8; 4]; 3], tracks: Vec<Trak>) -> Result<Bytes, CmafError> {
    let trex = |track: &Trak| {
        let track_id = track.tkhd.track_id;
        Trex { track_id, default_sample_description_index: 1, ..Default::default() }
    };
    let moov = Moov {
        mvhd: Mvhd {
            timescale: 1000,
            rate: FixedPoint::new(1, 0),
            volume: FixedPoint::new(1, 0),
            next_track_id: tracks.len() as u32 + 1,
            ..Default::default()
        },
        meta: None,
        mvex: Some(Mvex { mehd: None, trex: tracks.iter().map(trex).collect() }),
        trak: tracks,
        udta: None,
        ainf: None,
    };
    let brands = brands.map(FourCC::new);
    let mut out = Vec::with_capacity(1024);
    Ftyp { major_brand: brands[0], minor_version: 0, compatible_brands: brands.to_vec() }.encode(&mut out)?;
    moov.encode(&mut out)?;
    Ok(out.into())
}

/// One fragment of these packets, in decoding order: a whole segment or a part of one. `end` is the
/// decoding time at which the last packet ends. The parts of a segment one behind the other are the
/// segment; `first` marks the one that begins it.
pub fn fragment(
    sequence: u32,
    timescale: Timescale,
    packets: &[Packet],
    end: Ticks,
    first: bool,
) -> Result<Bytes, CmafError> {
    fragment_of(sequence, &[Run { id: TRACK_ID, timescale, packets }], end, first)
}

/// One fragment of picture and sound, of a file that [`movie_init`] began. Either may have nothing in it.
pub fn movie_fragment(
    sequence: u32,
    pictures: &[Packet],
    (timescale, sound): (Timescale, &[Packet]),
    end: Ticks,
) -> Result<Bytes, CmafError> {
    let pictures = Run { id: TRACK_ID, timescale: Timescale::VIDEO, packets: pictures };
    let sound = Run { id: SOUND_ID, timescale, packets: sound };
    let runs: Vec<Run<'_>> = [pictures, sound].into_iter().filter(|run| !run.packets.is_empty()).collect();
    fragment_of(sequence, &runs, end, true)
}

/// What a fragment has of one track.
struct Run<'a> {
    id: u32,
    timescale: Timescale,
    packets: &'a [Packet],
}

fn traf(Run { id, timescale, packets }: &Run<'_>, end: Ticks) -> Result<Traf, CmafError> {
    let scaled = |ticks| timescale.scale(ticks);
    let mut entries = Vec::with_capacity(packets.len());
    for (index, packet) in packets.iter().enumerate() {
        let next = packets.get(index + 1).map_or(end, |next| next.dts).max(packet.dts + 1);
        entries.push(TrunEntry {
            duration: Some(u32::try_from(scaled(next) - scaled(packet.dts)).map_err(|_| CmafError::TooLarge)?),
            size: Some(u32::try_from(packet.data.len()).map_err(|_| CmafError::TooLarge)?),
            flags: Some(if packet.key { FLAGS_KEY } else { FLAGS_DELTA }),
            cts: Some(scaled(packet.pts) - scaled(packet.dts)),
        });
    }
    let base = packets.first().map_or(0, |packet| scaled(packet.dts).max(0) as u64);
    Ok(Traf {
        tfhd: Tfhd { track_id: *id, default_base_is_moof: true, ..Default::default() },
        tfdt: Some(Tfdt { base_media_decode_time: base }),
        trun: vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries) }],
        ..Default::default()
    })
}

fn fragment_of(sequence: u32, runs: &[Run<'_>], end: Ticks, first: bool) -> Result<Bytes, CmafError> {
    let traf = runs.iter().map(|run| traf(run, end)).collect::<Result<_, _>>()?;
    let mut moof = Moof { mfhd: Mfhd { sequence_number: sequence }, traf };
    // The offset of a track's first sample counts from the start of the moof, whose size does not
    // depend on the offset's value.
    let mut head = Vec::new();
    moof.encode(&mut head)?;
    let mut payload = 0;
    for (run, traf) in runs.iter().zip(&mut moof.traf) {
        let offset = i32::try_from(head.len() + 8 + payload).map_err(|_| CmafError::TooLarge)?;
        traf.trun.iter_mut().for_each(|trun| trun.data_offset = Some(offset));
        payload += run.packets.iter().map(|packet| packet.data.len()).sum::<usize>();
    }
    let mdat_size = u32::try_from(payload + 8).map_err(|_| CmafError::TooLarge)?;
    let mut out = Vec::with_capacity(head.len() + payload + 64);
    if first {
        let brands = [b"msdh", b"msix", b"cmfs"].map(FourCC::new);
        Styp { major_brand: brands[0], minor_version: 0, compatible_brands: brands.to_vec() }.encode(&mut out)?;
    }
    moof.encode(&mut out)?;
    out.extend_from_slice(&mdat_size.to_be_bytes());
    out.extend_from_slice(b"mdat");
    runs.iter().flat_map(|run| run.packets).for_each(|packet| out.extend_from_slice(&packet.data));
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioCodec;
    use crate::format::tests::{AV1_CONFIG, AV1_KEY_FRAME, CONFIG_720P, HEVC_CONFIG, VP9_CONFIG, VP9_KEY_FRAME};
    use mp4_atom::{Decode, Mdat};

    fn packet(dts: Ticks, pts: Ticks, key: bool, data: &'static [u8]) -> Packet {
        Packet { dts, pts, key, data: Bytes::from_static(data) }
    }

    fn entry(init: &Bytes) -> Codec {
        let mut rest = init.as_ref();
        Ftyp::decode(&mut rest).unwrap();
        let moov = Moov::decode(&mut rest).unwrap();
        assert!(rest.is_empty());
        moov.trak[0].mdia.minf.stbl.stsd.codecs[0].clone()
    }

    fn video_entry(codec: VideoCodec, config: &'static [u8], key_frame: &[u8]) -> Codec {
        let format = VideoFormat::read(codec, &Bytes::from_static(config), Some(key_frame)).unwrap().unwrap();
        entry(&video_init(&format).unwrap())
    }

    #[test]
    fn init_segments_read_back() {
        let body = |atom: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            atom(&mut bytes);
            bytes
        };
        let Codec::Avc1(avc) = video_entry(VideoCodec::Avc, CONFIG_720P, &[]) else { panic!("not avc1") };
        assert_eq!((avc.visual.width, avc.visual.height), (1280, 720));
        assert_eq!(body(&|out| avc.avcc.encode_body(out).unwrap()), CONFIG_720P);
        let Codec::Hvc1(hevc) = video_entry(VideoCodec::Hevc, HEVC_CONFIG, &[]) else { panic!("not hvc1") };
        assert_eq!((hevc.visual.width, hevc.visual.height), (640, 360));
        assert!(hevc.hvcc.arrays.len() == 3 && hevc.hvcc.arrays.iter().all(|array| array.completeness));
        let Codec::Av01(av1) = video_entry(VideoCodec::Av1, AV1_CONFIG, AV1_KEY_FRAME) else { panic!("not av01") };
        assert_eq!(body(&|out| av1.av1c.encode_body(out).unwrap()), AV1_CONFIG);
        let Codec::Vp09(vp9) = video_entry(VideoCodec::Vp9, VP9_CONFIG, VP9_KEY_FRAME) else { panic!("not vp09") };
        assert_eq!(body(&|out| vp9.vpcc.encode_body(out).unwrap()), VP9_CONFIG);

        let audio = AudioFormat::read(AudioCodec::Aac, &Bytes::from_static(&[0x12, 0x10])).unwrap();
        let Codec::Mp4a(aac) = entry(&audio_init(&audio).unwrap()) else { panic!("not mp4a") };
        assert_eq!(aac.audio.sample_rate.integer(), 44100);
    }

    #[test]
    fn init_segments_say_what_playlists_need() {
        for (codec, config, key_frame) in [
            (VideoCodec::Avc, CONFIG_720P, &[][..]),
            (VideoCodec::Hevc, HEVC_CONFIG, &[]),
            (VideoCodec::Av1, AV1_CONFIG, AV1_KEY_FRAME),
            (VideoCodec::Vp9, VP9_CONFIG, VP9_KEY_FRAME),
        ] {
            let format = VideoFormat::read(codec, &Bytes::from_static(config), Some(key_frame)).unwrap().unwrap();
            let init = video_init(&format).unwrap();
            let want = Track { size: Some((format.width, format.height)), codecs: format.codecs };
            assert_eq!(read_init(&init), Some(want));
            assert_eq!(read_init(&init[..init.len() - 1]), None);
        }
        let audio = AudioFormat::read(AudioCodec::Aac, &Bytes::from_static(&[0x12, 0x10])).unwrap();
        let want = Track { codecs: "mp4a.40.2".into(), size: None };
        assert_eq!(read_init(&audio_init(&audio).unwrap()), Some(want));
        assert_eq!(read_init(b"not a file"), None);
    }

    #[test]
    fn fragments_read_back() {
        let packets = [
            packet(90_000, 93_003, true, b"key"),
            packet(93_003, 99_000, false, b"later"),
            packet(96_000, 96_000, false, b"x"),
        ];
        let bytes = fragment(7, Timescale::VIDEO, &packets, 99_000, true).unwrap();
        let mut rest = bytes.as_ref();
        Styp::decode(&mut rest).unwrap();
        let start = bytes.len() - rest.len();
        let moof = Moof::decode(&mut rest).unwrap();
        let mdat = Mdat::decode(&mut rest).unwrap();
        assert_eq!(mdat.data, b"keylaterx");
        let traf = &moof.traf[0];
        assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, 90_000);
        let run = &traf.trun[0];
        let first = start + run.data_offset.unwrap() as usize;
        assert_eq!(&bytes[first..first + 3], b"key");
        let durations: Vec<_> = run.samples.iter().map(|e| e.duration.unwrap()).collect();
        assert_eq!(durations, [3_003, 2_997, 3_000]);
        let cts: Vec<_> = run.samples.iter().map(|e| e.cts.unwrap()).collect();
        assert_eq!(cts, [3_003, 5_997, 0]);
    }

    #[test]
    fn two_tracks_read_back() {
        let video = VideoFormat::read(VideoCodec::Avc, &Bytes::from_static(CONFIG_720P), None).unwrap().unwrap();
        let audio = AudioFormat::read(AudioCodec::Aac, &Bytes::from_static(&[0x12, 0x10])).unwrap();
        let init = movie_init(&video, &audio).unwrap();
        let mut rest = init.as_ref();
        Ftyp::decode(&mut rest).unwrap();
        let moov = Moov::decode(&mut rest).unwrap();
        let ids: Vec<_> = moov.trak.iter().map(|trak| trak.tkhd.track_id).collect();
        let defaults: Vec<_> = moov.mvex.unwrap().trex.iter().map(|trex| trex.track_id).collect();
        assert_eq!((ids, defaults, moov.mvhd.next_track_id), (vec![1, 2], vec![1, 2], 3));

        let pictures = [packet(90_000, 90_000, true, b"key"), packet(93_000, 93_000, false, b"later")];
        let sound = [packet(90_100, 90_100, true, b"sound")];
        for (sound, ids) in [(&sound[..], &[1, 2][..]), (&[], &[1])] {
            let bytes = movie_fragment(1, &pictures, (Timescale(44_100), sound), 96_000).unwrap();
            let mut rest = bytes.as_ref();
            Styp::decode(&mut rest).unwrap();
            let start = bytes.len() - rest.len();
            let moof = Moof::decode(&mut rest).unwrap();
            assert_eq!(moof.traf.iter().map(|traf| traf.tfhd.track_id).collect::<Vec<_>>(), ids);
            for (traf, data) in moof.traf.iter().zip([&b"key"[..], b"sound"]) {
                let at = start + traf.trun[0].data_offset.unwrap() as usize;
                assert_eq!(&bytes[at..at + data.len()], data);
            }
        }
    }

    #[test]
    fn audio_frames_add_up() {
        let frames: Vec<_> = (0..200).map(|n| n * 1024 * 90_000 / 44_100).collect();
        let packets: Vec<_> = frames.iter().map(|at| packet(*at, *at, true, b"a")).collect();
        let end = 200 * 1024 * 90_000 / 44_100;
        let bytes = fragment(1, Timescale(44_100), &packets, end, false).unwrap();
        let mut rest = bytes.as_ref();
        let moof = Moof::decode(&mut rest).unwrap();
        let run = &moof.traf[0].trun[0];
        assert!(run.samples.iter().all(|e| e.duration == Some(1024)), "{run:?}");
    }
}
