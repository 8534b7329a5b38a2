//! `glassbox lesson`.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use crate::support;

use support::Workplace;

#[test]
fn lessons_are_listed_and_a_wrong_id_is_met_with_the_nearest() {
    let at = Workplace::new();
    let list = at.json("lesson");
    let lessons = list["lessons"].as_array().unwrap();
    assert!(lessons.iter().any(|lesson| lesson["id"] == "V1"));
    for lesson in lessons {
        let id = lesson["id"].as_str().unwrap();
        assert!(at.done("lesson").out.lines().any(|line| line.starts_with(id)), "{id}");
    }
    let error = at.refused(2, "lesson V11x");
    assert!(error.contains("V11x") && error.contains("did you mean `V1"), "{error}");
    let error = at.refused(2, "lesson --full");
    assert!(error.contains("ID"), "{error}");
}

#[test]
fn the_walk_shows_one_window_or_every_one_in_both_languages() {
    let at = Workplace::new();
    let windows = |text: &str| text.lines().filter(|line| line.contains("relu →")).count();
    let short = at.done("lesson v1");
    assert_eq!(windows(&short.out), 1, "{}", short.out);
    assert!(short.out.contains("X, one pixel to the right") && short.out.contains("= 1.24"));
    // Four images of sixteen windows.
    assert_eq!(windows(&at.done("lesson V1 --full").out), 64);
    let korean = at.done("lesson V1 --lang ko").out;
    assert!(korean.contains("오른쪽으로 한 픽셀 옮긴 X") && korean.contains("= 1.24"), "{korean}");
    let numbers = &at.json("lesson V1")["numbers"];
    assert_eq!(numbers["inputs"], serde_json::json!([36, 4]));
    let windows = numbers["max_pool"][0]["windows"].as_array().unwrap();
    assert_eq!(windows.len(), 16);
    assert_eq!(windows[0]["products"].as_array().unwrap().len(), 9);
}

#[test]
fn pictures_go_to_the_folder_that_is_named_and_nowhere_else() {
    let at = Workplace::new();
    at.done("lesson V5");
    assert_eq!(std::fs::read_dir(at.path(".")).unwrap().count(), 0, "nothing is written unasked");
    let files = at.json("lesson V4 --out pictures")["files"].as_array().unwrap().clone();
    assert_eq!(files.len(), 2, "one for each depth");
    for file in files {
        let svg = at.text(file.as_str().unwrap());
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"), "{svg}");
    }
    let error = at.refused(1, "lesson V2 --data missing.csv");
    assert!(error.contains("missing.csv"), "{error}");
    let error = at.refused(1, "lesson V2 --data iris");
    assert!(error.contains("iris") && error.contains("images"), "{error}");
}
