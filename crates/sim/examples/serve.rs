//! Runs the local site until Ctrl-C: `cargo run -p lenore-sim --example serve -- 8765`.

use lenore_sim::{Options, Sim};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let sim = Sim::start(Options::default().port(port)).await?;
    println!("{}", sim.url());
    std::future::pending::<()>().await;
    sim.stop().await;
    Ok(())
}
