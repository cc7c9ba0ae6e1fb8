//! The sentences that answers are made of. `{topic}` stands for what was asked.

pub(super) const OPENERS: &[&str] = &[
    "Good question. When people ask about *{topic}*, they usually want one of two things: a short answer they can use today, or a way of thinking that stays useful tomorrow. Here is a little of both.",
    "Let's take **{topic}** one step at a time. The short version is that it is simpler than it looks, once the parts are named.",
    "There is a lot to like about this one. *{topic}* sits where everyday experience and careful observation meet, so we can start from what you already know.",
    "Happy to help with **{topic}**. I'll begin with the core idea, then add the detail that tends to matter in practice.",
    "Here is a compact overview of *{topic}*: enough to act on, and honest about where the simple story stops.",
    "The first thing to notice about **{topic}** is how much depends on context. With that said, some things hold nearly everywhere.",
];

pub(super) const MIDDLES: &[&str] = &[
    "Think of it as a river rather than a pond. What you see at any moment is a snapshot of something moving, and the interesting part is the current underneath. Once you follow the current, most of the surprising details turn out to be ordinary.",
    "A useful habit is to change one thing at a time and write down what happened. It feels slow for the first ten minutes and saves hours afterwards, because every later question has an answer you can point at.",
    "Historically, the best ideas here came from people who were trying to solve a smaller problem nearby. They needed something that worked by Friday; the elegant theory arrived later and mostly explained why they had been right.",
    "If you compare two careful sources on {topic}, they will disagree in the details and agree on the outline. That is a good sign: the outline is what you want to remember, and the details are what you look up.",
    "The common mistake is to optimise the visible part. A clear aim, a short list of constraints and an early small test beat a polished plan nearly every time, and they cost less to throw away.",
    "In numbers, the effect is modest but steady: small gains that add up over weeks. That makes it easy to overlook and hard to regret, which is a combination worth looking for.",
    "There is also a quieter side to it. Attention is limited, and what is easy to notice is not always what is important; a pause of a minute before deciding is often the cheapest improvement available.",
    "It helps to separate what is known from what is assumed. Most of what is said about {topic} is known well enough; the rest is habit, and habits can be questioned politely.",
];

pub(super) const LISTS: &[&str] = &[
    "Three things to keep in mind:\n\n- **Start small.** A version you can finish today teaches more than a perfect one next month.\n- **Look twice.** The second reading finds what the first one skipped.\n- **Keep a note.** Future you will ask why, and deserves an answer.",
    "A simple order that works:\n\n1. Say in one sentence what a good result looks like.\n2. Find the part you are least sure about, and try that first.\n3. Keep what worked, drop the rest, and tell someone about it.",
    "In brief:\n\n| Question | Short answer |\n|---|---|\n| Is it hard? | Less than it seems |\n| Does it take long? | An afternoon for the basics |\n| Is it worth it? | For most people, yes |",
    "What tends to help:\n\n- a quiet half hour without notifications\n- one good example, read closely\n- somebody to explain it to, even if they only nod",
];

pub(super) const CLOSERS: &[&str] = &[
    "If you tell me a bit more about your situation, I can make this concrete for {topic}.",
    "That is the outline. Shall I go deeper into one of these points?",
    "> The map is not the territory, but it is very nice to have one.\n\nAsk away if one of these steps is unclear.",
    "That should be enough to get going, and to know what to look for next.",
    "In short: begin with the simple case, watch what happens, and let {topic} surprise you a little.",
];

pub(super) const EMOJI: &[&str] = &["🌱", "✨", "🙂", "🧭", "☕", "🌊"];

pub(super) const SUGGESTIONS: &[&str] = &[
    "Can you give me an example?",
    "What is the most common mistake?",
    "Explain it to a ten-year-old.",
    "Tell me more about {topic}.",
    "What should I read next?",
    "Summarise that in one sentence.",
];

pub(super) const PROGRAMS: &[(&str, &str)] = &[
    (
        "rust",
        "```rust\n/// Counts how often each word occurs.\nfn count(text: &str) -> std::collections::BTreeMap<&str, usize> {\n    let mut counts = std::collections::BTreeMap::new();\n    for word in text.split_whitespace() {\n        *counts.entry(word).or_insert(0) += 1;\n    }\n    counts\n}\n```",
    ),
    (
        "python",
        "```python\nfrom collections import Counter\n\ndef count(text: str) -> Counter[str]:\n    \"\"\"How often each word occurs.\"\"\"\n    return Counter(text.lower().split())\n\nprint(count(\"to be or not to be\").most_common(2))\n```",
    ),
    (
        "javascript",
        "```javascript\nfunction count(text) {\n  const counts = new Map();\n  for (const word of text.toLowerCase().split(/\\s+/)) {\n    counts.set(word, (counts.get(word) ?? 0) + 1);\n  }\n  return counts;\n}\n```",
    ),
    (
        "sql",
        "```sql\nSELECT word, COUNT(*) AS times\nFROM words\nGROUP BY word\nORDER BY times DESC\nLIMIT 10;\n```",
    ),
];
