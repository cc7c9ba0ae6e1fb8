//! Fifty questions one after another in one process: all exact, and nothing piles up.

mod support;

use support::{World, processes_of};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_questions_leave_no_trace() {
    let world = World::new().await;
    world.ask("Hi [[sim: length=200, chunks=4, gap=0]]").await.complete();
    let processes = processes_of(world.profile.path()).len();
    let mut memory = Vec::new();
    for n in 0..50 {
        let prompt = format!("Question {n} [[sim: length=2000, chunks=20, gap=0, others]]");
        let answer = world.ask(&prompt).await;
        assert_eq!(answer.complete(), world.site_text());
        memory.push(resident_kilobytes());
    }
    assert_eq!(world.prompts().len(), 51);
    let open = processes_of(world.profile.path()).len();
    assert!(open <= processes + 1, "tabs pile up: {processes} processes became {open}");
    if let (Some(early), Some(late)) = (memory[9], memory[49]) {
        assert!(late < early + 20 * 1024, "memory grows: {early} kB became {late} kB");
    }
    world.end().await;
}

/// The memory of this process, which is the provider's and the site's.
fn resident_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
