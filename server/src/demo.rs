//! The demo channel: `ffmpeg` broadcasts a moving picture with sound, like any encoder would.

use anyhow::Context;
use rivulet_protocol::ChannelName;
use rivulet_protocol::rest::Role;
use rivulet_store::{Store, StreamKey, password};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tracing::warn;

const NAME: &str = "demo";

pub async fn run(store: Store, rtmp: SocketAddr, shutdown: CancellationToken) {
    loop {
        let broadcast = async {
            let key = key(&store).await?;
            push(&key, rtmp.port()).await
        };
        tokio::select! {
            ended = broadcast => if let Err(error) = ended {
                warn!("no demo: {}", crate::one_line(&error));
            },
            () = shutdown.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// A new key for each start, for a channel of a user whom nobody can log in as.
async fn key(store: &Store) -> anyhow::Result<StreamKey> {
    let now = rivulet_hub::clock::now_ms();
    let name = ChannelName::parse(NAME)?;
    let channel = match store.channel_by_name(NAME).await? {
        Some(channel) => channel,
        None => {
            let owner = match store.user_by_name(NAME).await? {
                Some((owner, _)) => owner,
                None => {
                    let hash = password::hash(StreamKey::generate().reveal()).await?;
                    store.create_user(&name, &hash, Role::Viewer, now).await?
                }
            };
            store.create_channel(&name, &owner.id, "A test picture, live", now).await?
        }
    };
    Ok(store.rotate_key(&channel.id, now).await?.1)
}

async fn push(key: &StreamKey, port: u16) -> anyhow::Result<()> {
    const PICTURE: &str = "gradients=size=1280x720:rate=30:speed=0.012:nb_colors=5:c0=0x0b1020:c1=0x2a3f8f:\
        c2=0x7b3fa0:c3=0xe0567a:c4=0xf2a65a,drawtext=text='Rivulet':fontsize=120:fontcolor=white@0.92:\
        x='(w-tw)/2+sin(t*0.7)*120':y='(h-th)/2-40+cos(t*0.9)*40',drawtext=text='%{localtime\\:%X}':fontsize=56:\
        fontcolor=white@0.8:x=(w-tw)/2:y=h-140";
    const SOUND: &str = "aevalsrc='0.05*(sin(2*PI*220*t)+sin(2*PI*277.18*t)+sin(2*PI*329.63*t))*\
        (0.6+0.4*sin(2*PI*t/8))|0.05*(sin(2*PI*220.5*t)+sin(2*PI*277.6*t)+sin(2*PI*330*t))*\
        (0.6+0.4*cos(2*PI*t/8))':s=48000";
    let status = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi", "-i", PICTURE])
        .args(["-re", "-f", "lavfi", "-i", SOUND])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"])
        .args(["-b:v", "2500k", "-maxrate", "2500k", "-bufsize", "5000k", "-g", "60", "-sc_threshold", "0"])
        .args(["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "flv"])
        .arg(format!("rtmp://127.0.0.1:{port}/live/{}", key.reveal()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .context("cannot run ffmpeg; install it, or start without --demo")?;
    anyhow::bail!("ffmpeg ended: {status}")
}
