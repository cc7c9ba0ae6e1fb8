//! Where a text is cut into the growing pieces that an answer arrives in.

/// One answer sends the whole text so far with every update, so the bytes on
/// the wire grow with the square; by default we stay below this many.
const WIRE_BUDGET: usize = 64 << 20;

/// The byte positions at which `text` is cut, rising, the last one its length.
/// With `chunks`, that many pieces of equal length in characters (fewer when the
/// text is shorter); else words in small groups, as a model would send them.
pub(crate) fn cuts(text: &str, chunks: Option<usize>, rng: &mut fastrand::Rng) -> Vec<usize> {
    if text.is_empty() {
        return Vec::new();
    }
    let most = (2 * WIRE_BUDGET / text.len()).max(8);
    match chunks {
        Some(chunks) => even(text, chunks.max(1)),
        None => {
            let words = wordish(text, rng);
            if words.len() > most { even(text, most) } else { words }
        }
    }
}

fn even(text: &str, chunks: usize) -> Vec<usize> {
    let length = text.chars().count();
    let chunks = chunks.min(length);
    let mut positions = Vec::with_capacity(chunks);
    let mut next = 1;
    for (index, (at, _)) in text.char_indices().enumerate() {
        if next < chunks && index == next * length / chunks {
            positions.push(at);
            next += 1;
        }
    }
    positions.push(text.len());
    positions
}

fn wordish(text: &str, rng: &mut fastrand::Rng) -> Vec<usize> {
    let mut positions = Vec::new();
    let mut words = rng.usize(1..=3);
    for (at, letter) in text.char_indices() {
        if letter.is_whitespace() && at > 0 {
            words -= 1;
            if words == 0 {
                positions.push(at);
                words = rng.usize(1..=3);
            }
        }
    }
    if positions.last() != Some(&text.len()) {
        positions.push(text.len());
    }
    positions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, chunks: Option<usize>) -> Vec<usize> {
        let positions = cuts(text, chunks, &mut fastrand::Rng::with_seed(1));
        assert_eq!(positions.last(), Some(&text.len()));
        assert!(positions.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(positions.iter().all(|at| *at > 0 && text.is_char_boundary(*at)));
        positions
    }

    #[test]
    fn cuts_rise_to_the_end_on_character_boundaries() {
        check("one two three, four — five 🙂 six", None);
        check(" ", None);
        assert_eq!(check("🙂🙂🙂", Some(3)).len(), 3);
        assert_eq!(check("abc", Some(10)).len(), 3);
        assert_eq!(check(&"ab ".repeat(500), Some(40)).len(), 40);
        assert!(cuts("", Some(3), &mut fastrand::Rng::with_seed(1)).is_empty());
    }

    #[test]
    fn a_long_text_is_cut_seldom() {
        let text = "word ".repeat(400_000);
        assert!(check(&text, None).len() <= 68);
        assert_eq!(check(&text, Some(500)).len(), 500);
    }
}
