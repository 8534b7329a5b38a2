//! Tokenisers: any text comes back, Hangul stays whole, the same text gives the same vocabulary,
//! and byte pairs are those of Hugging Face's library.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use glassbox::data::text::{Special, Tokenizer, TokenizerKind};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use crate::support;
use support::message;

const SPECIALS: [&str; 4] = ["<pad>", "<unk>", "<sos>", "<eos>"];

fn trained(kind: TokenizerKind, text: &str, vocabulary: usize) -> Tokenizer {
    Tokenizer::train(&kind, [text], vocabulary, &SPECIALS).unwrap()
}

/// What ids show when they come one by one.
fn streamed(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut decoder = tokenizer.decoder();
    let shown: String = ids.iter().filter_map(|id| decoder.push(*id)).collect();
    shown + &decoder.finish()
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "한",
    "\n",
    "안녕하세요, 세상! 값이 얼마예요?",
    "👨‍👩‍👧‍👦 and 👍🏽 and ❤️ and 🇰🇷",
    "naïve café — “quoted” … 1½ Ⅷ",
    "tabs\tand\r\nlines\n\n\n  spaces   ",
    "नमस्ते مرحبا שלום 你好世界",
    "\u{0}\u{7F}\u{FEFF}\u{10FFFF}",
];

#[test]
fn byte_pairs_give_every_text_back() {
    let tokenizer = trained(TokenizerKind::Bpe, &TEXTS.concat().repeat(3), 400);
    for text in TEXTS {
        let composed: String = text.nfc().collect();
        let ids = tokenizer.encode(text);
        assert_eq!(tokenizer.decode(&ids), composed);
        assert_eq!(streamed(&tokenizer, &ids), composed);
    }
}

#[test]
fn characters_give_back_the_text_that_they_know() {
    let tokenizer =
        trained(TokenizerKind::Character { lowercase: false }, &TEXTS.concat(), usize::MAX);
    for text in TEXTS {
        let composed: String = text.nfc().collect();
        let ids = tokenizer.encode(text);
        assert_eq!(ids.len(), composed.chars().count());
        assert_eq!(tokenizer.decode(&ids), composed);
        assert_eq!(streamed(&tokenizer, &ids), composed);
    }
}

#[test]
fn decomposed_hangul_is_one_character_a_syllable() {
    let decomposed: String = "한글".nfd().collect();
    assert_eq!(decomposed.chars().count(), 6);
    let tokenizer = trained(TokenizerKind::Character { lowercase: false }, &decomposed, usize::MAX);
    assert_eq!(tokenizer.vocabulary(), SPECIALS.len() + 2);
    assert_eq!(tokenizer.encode("한글"), tokenizer.encode(&decomposed));
    assert_eq!(tokenizer.token(4), "글");
    assert_eq!(tokenizer.id(&"한".nfd().collect::<String>()), Some(5));
}

#[test]
fn a_byte_pair_token_is_whole_characters_or_the_beginning_of_one() {
    let text = "값이 비싸요. 감사합니다. 강아지가 각각 갔다. 가나다라마바사 ".repeat(5);
    let tokenizer = trained(TokenizerKind::Bpe, &text, 600);
    assert!(tokenizer.vocabulary() > 300);
    let shown: Vec<_> = (0..tokenizer.vocabulary() as u32).map(|id| tokenizer.token(id)).collect();
    assert!(shown.iter().all(|token| !token.contains('\u{FFFD}')));
    // A part of a character is shown by its bytes, never beside a whole one.
    let broken = shown.iter().filter(|token| token.starts_with("<0x"));
    assert!(broken.clone().all(|token| token.len() <= 6 * 3));
    assert!(broken.count() >= 128);
    assert!(shown.iter().any(|token| token == " 감사합니다"));
}

#[test]
fn streaming_holds_a_character_back_until_it_is_whole() {
    let tokenizer = trained(TokenizerKind::Bpe, "abc", 260);
    let ids = tokenizer.encode("é한👍");
    assert_eq!(ids.len(), 2 + 3 + 4);
    let mut decoder = tokenizer.decoder();
    let shown: Vec<String> = ids.iter().filter_map(|id| decoder.push(*id)).collect();
    assert_eq!(shown, ["é", "한", "👍"]);
    assert_eq!(decoder.finish(), "");
    // Ids that no text gives: each broken part is one replacement character.
    let cut = [&ids[2..4], &tokenizer.encode("x"), &ids[5..7]].concat();
    assert_eq!(tokenizer.decode(&cut), "\u{FFFD}x\u{FFFD}");
    assert_eq!(streamed(&tokenizer, &cut), "\u{FFFD}x\u{FFFD}");
}

#[test]
fn words_come_back_as_written_text_has_them() {
    let text = "Let's go, (he said) to the caf\u{e9}!\nWhy? 99 % of \u{201C}us\u{201D} won't.";
    let tokenizer = trained(TokenizerKind::Word { lowercase: false }, text, usize::MAX);
    let back = "Let's go, (he said) to the café!\nWhy? 99% of “us” won't.";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text)), back);
    assert_eq!(streamed(&tokenizer, &tokenizer.encode(text)), back);
    let lower = trained(TokenizerKind::Word { lowercase: true }, text, usize::MAX);
    assert_eq!(lower.decode(&lower.encode("LET'S GO")), "let's go");
    assert_eq!(lower.id("Why"), lower.id("why"));
}

#[test]
fn the_most_frequent_come_first_and_the_rest_is_unknown() {
    let tokenizer = trained(TokenizerKind::Word { lowercase: false }, "b b a a c", 6);
    assert_eq!((tokenizer.token(4), tokenizer.token(5)), ("a".into(), "b".into()));
    let mut ids = Vec::new();
    assert_eq!(tokenizer.encode_into("a c d b", &mut ids), 2);
    assert_eq!(ids, [4, 1, 1, 5]);
    assert_eq!(tokenizer.decode(&ids), "a <unk> <unk> b");
    // Without an unknown token there is nothing to stand for it.
    let bare =
        Tokenizer::train(&TokenizerKind::Character { lowercase: false }, ["ab"], 9, &[]).unwrap();
    assert_eq!(bare.encode("axb"), [0, 1]);
    assert_eq!(bare.special(Special::Unknown), None);
}

#[test]
fn what_frames_a_text_is_not_shown() {
    let tokenizer = trained(TokenizerKind::Word { lowercase: false }, "good day", 10);
    let part = |special| tokenizer.special(special).unwrap();
    assert_eq!((part(Special::Pad), part(Special::Start), part(Special::End)), (0, 2, 3));
    let ids = [&[2][..], &tokenizer.encode("good day")[..], &[3, 0, 0]].concat();
    assert_eq!(tokenizer.decode(&ids), "good day");
    assert_eq!(tokenizer.special(Special::Mask), None);
    assert_eq!(tokenizer.encode_marked("good<eos>"), [tokenizer.id("good").unwrap(), 3]);
    assert_eq!(tokenizer.decode(&[9999]), "");
}

#[test]
fn the_order_of_texts_makes_no_difference() {
    let lines = ["the cat sat", "on the mat", "고양이가 앉았다", "the end"];
    for kind in [
        TokenizerKind::Character { lowercase: false },
        TokenizerKind::Word { lowercase: true },
        TokenizerKind::Bpe,
    ] {
        let forwards = Tokenizer::train(&kind, lines, 280, &SPECIALS).unwrap();
        let backwards = Tokenizer::train(&kind, lines.iter().rev(), 280, &SPECIALS).unwrap();
        assert_eq!(forwards, backwards);
        let json = serde_json::to_string(&forwards).unwrap();
        assert_eq!(json, serde_json::to_string(&backwards).unwrap());
        assert_eq!(serde_json::from_str::<Tokenizer>(&json).unwrap(), forwards);
    }
}

#[test]
fn what_cannot_be_a_tokenizer_is_refused() {
    let train = |kind, text, vocabulary, specials: &[&str]| {
        message(Tokenizer::train(&kind, [text], vocabulary, specials))
    };
    let error = train(TokenizerKind::Character { lowercase: false }, "", 10, &[]);
    assert!(error.contains("no text to learn a vocabulary from"), "{error}");
    let error = train(TokenizerKind::Bpe, "abc", 200, &SPECIALS);
    assert!(error.contains("at least 260"), "{error}");
    let error = train(TokenizerKind::Character { lowercase: false }, "abc", 4, &SPECIALS);
    assert!(error.contains("at least 5"), "{error}");
    let error =
        train(TokenizerKind::Character { lowercase: false }, "abc", 10, &["<pad>", "<pad>"]);
    assert!(error.contains("`<pad>` is empty or comes twice"), "{error}");
    let json = r#"{"kind":"bpe","specials":[],"merges":[[0,900]]}"#;
    let error = serde_json::from_str::<Tokenizer>(json).unwrap_err().to_string();
    assert!(error.contains("a merge names a token that comes after it"), "{error}");
    let json = r#"{"kind":"character","specials":[],"characters":"aa"}"#;
    assert!(serde_json::from_str::<Tokenizer>(json).is_err());
    let error = message(Tokenizer::load("no/such/folder"));
    assert!(error.contains("no/such/folder") && error.contains("vocab.txt"), "{error}");
}

#[test]
fn byte_pairs_are_learned_as_hugging_faces_library_learns_them() {
    let corpus = include_str!("fixtures/tokenizers/corpus.txt");
    let tokenizer =
        Tokenizer::train(&TokenizerKind::Bpe, [corpus], 400, &["<pad>", "<eos>"]).unwrap();
    // Every pair that comes twice is learned before there are 400.
    assert_eq!(tokenizer.vocabulary(), 373);
    for (text, ids) in fixture() {
        assert_eq!(tokenizer.encode(&text), ids, "{text:?}");
    }
}

/// Texts and the ids that Hugging Face's library gives to them, made by `make.py`.
fn fixture() -> Vec<(String, Vec<u32>)> {
    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
    }
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("fixtures/tokenizers/byte_pairs_ids.json")).unwrap();
    assert!(cases.len() >= 5);
    cases.into_iter().map(|case| (case.text, case.ids)).collect()
}

#[cfg(feature = "tokenizers")]
mod published {
    use super::*;
    use std::path::Path;
    use support::folder;

    const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tokenizers");

    #[test]
    fn a_published_file_gives_its_own_ids() {
        let tokenizer = Tokenizer::load(Path::new(FIXTURES).join("byte_pairs.json")).unwrap();
        assert_eq!((tokenizer.kind(), tokenizer.vocabulary()), ("published", 373));
        for (text, ids) in fixture() {
            assert_eq!(tokenizer.encode(&text), ids);
            assert_eq!(tokenizer.decode(&ids), text);
            assert_eq!(streamed(&tokenizer, &ids), text);
        }
        assert_eq!(tokenizer.special(Special::Pad), Some(0));
        let the = tokenizer.encode(" the");
        assert_eq!(tokenizer.token(the[0]), " the");
        assert_eq!(tokenizer.id(" the"), Some(the[0]));
        assert_eq!(tokenizer.token(tokenizer.encode("한")[0]), "<0xED>");
        let json = serde_json::to_string(&tokenizer).unwrap();
        assert_eq!(serde_json::from_str::<Tokenizer>(&json).unwrap(), tokenizer);
    }

    #[test]
    fn gpt2s_two_files_are_the_same_tokenizer() {
        let whole = std::fs::read_to_string(Path::new(FIXTURES).join("byte_pairs.json")).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
        let merges: Vec<String> = whole["model"]["merges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| {
                let part = |at: usize| pair[at].as_str().unwrap();
                format!("{} {}", part(0), part(1))
            })
            .collect();
        let folder = folder("tokenizers_gpt2");
        std::fs::write(folder.join("vocab.json"), whole["model"]["vocab"].to_string()).unwrap();
        let merges = format!("#version: 0.2\n{}\n", merges.join("\n"));
        std::fs::write(folder.join("merges.txt"), merges).unwrap();
        let tokenizer = Tokenizer::load(&folder).unwrap();
        for (text, ids) in fixture() {
            assert_eq!(tokenizer.encode(&text), ids);
        }
        assert_eq!(tokenizer.special(Special::End), Some(1));
    }

    #[test]
    fn berts_word_pieces_are_read_from_their_list() {
        let folder = folder("tokenizers_bert");
        let list = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nplay\n##ing\n##ed\nun\n##play\nthe\n!\n";
        std::fs::write(folder.join("vocab.txt"), list).unwrap();
        let tokenizer = Tokenizer::load(&folder).unwrap();
        assert_eq!(tokenizer.vocabulary(), 12);
        // The longest piece from the left, upper case and accents taken away (Devlin et al., 2019).
        assert_eq!(tokenizer.encode("The Pláying unplayed!"), [10, 5, 6, 8, 9, 7, 11]);
        assert_eq!(tokenizer.encode("the [MASK] xyz"), [10, 4, 1]);
        assert_eq!(tokenizer.decode(&[2, 10, 5, 6, 11, 3, 0]), "the playing!");
        assert_eq!(tokenizer.special(Special::Class), Some(2));
        let mut ids = Vec::new();
        assert_eq!(tokenizer.encode_into("xyz the", &mut ids), 1);
        std::fs::write(folder.join("tokenizer_config.json"), r#"{"do_lower_case": false}"#)
            .unwrap();
        let cased = Tokenizer::load(&folder).unwrap();
        assert_eq!(cased.encode("The"), [1]);
    }

    #[test]
    fn a_file_that_is_no_tokenizer_says_so() {
        let folder = folder("tokenizers_wrong");
        assert!(message(Tokenizer::load(&folder)).contains("holds no tokeniser"));
        for (content, expected) in [
            ("{}", "is not a tokeniser"),
            ("no", "is not JSON"),
            (r#"{"model": {"type": "BPE", "vocab": 3}}"#, "is not a tokeniser"),
            (r#"{"kind": "letters"}"#, "is not a tokeniser"),
        ] {
            std::fs::write(folder.join("tokenizer.json"), content).unwrap();
            let error = message(Tokenizer::load(&folder));
            assert!(error.contains(expected) && error.contains("tokenizer.json"), "{error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_back(
        text in prop_oneof![
            any::<String>(),
            "[가-힣ㄱ-ㅎᄀ-ᇂ 👨‍👩\u{200D}❤️a-c'\n]{0,40}",
        ],
        taught in "[가-각a-c 👍❤️\n']{1,60}",
    ) {
        let composed: String = text.nfc().collect();
        let bpe = trained(TokenizerKind::Bpe, &taught, 300);
        let ids = bpe.encode(&text);
        prop_assert_eq!(bpe.decode(&ids), composed.clone());
        prop_assert_eq!(streamed(&bpe, &ids), composed.clone());
        // A line apart: the end of one and the beginning of the other may compose to one character.
        let known = format!("{taught}\n{text}");
        let characters =
            trained(TokenizerKind::Character { lowercase: false }, &known, usize::MAX);
        prop_assert_eq!(characters.decode(&characters.encode(&text)), composed);
    }

    #[test]
    fn any_ids_show_something_and_the_same_at_once_and_one_by_one(
        ids in prop::collection::vec(0..330u32, 0..30),
    ) {
        let text = "가나다 각 abc ab a 👍👍".repeat(3);
        for kind in [
            TokenizerKind::Bpe,
            TokenizerKind::Character { lowercase: false },
            TokenizerKind::Word { lowercase: false },
        ] {
            let tokenizer = trained(kind, &text, 320);
            prop_assert_eq!(tokenizer.decode(&ids), streamed(&tokenizer, &ids));
        }
    }
}
