//! One question after another, each in a process of its own.

mod support;

use support::World;

const QUESTIONS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_questions_are_fifty_exact_answers() {
    let world = World::new().await;
    for number in 1..=QUESTIONS {
        let prompt = format!("Raven number {number}? [[sim: gap=0, chunks=4, length=200]]");
        let ended = world.ask(&[&prompt]).await.with_code(0);
        assert_eq!(ended.stdout, world.site_text() + "\n", "{number}");
        assert_eq!(ended.remarks(), Vec::<&str>::new(), "{number}");
        assert_eq!(world.prompts().last(), Some(&prompt));
        world.assert_tidy();
    }
    assert_eq!(world.prompts().len(), QUESTIONS);
    world.end().await;
}
