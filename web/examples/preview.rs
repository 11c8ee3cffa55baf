//! `cargo run -p rivulet-web --example preview [ADDR]`: every page against an API of canned answers.

#[path = "../tests/canned/mod.rs"]
mod canned;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    let listener = TcpListener::bind(&addr).await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, rivulet_web::router(rivulet_web::WebDeps { api: canned::api() }).merge(canned::api())).await
}
