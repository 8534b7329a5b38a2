//! The rows that `docs/extending.md` shows are those of the sources.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Text without its line breaks and indentation.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn rows_and_kernels_on_the_page_are_in_the_sources() {
    let page = include_str!("../../../docs/extending.md");
    let sources = words(concat!(
        include_str!("../src/op/pointwise.rs"),
        include_str!("../src/run/math.rs"),
        include_str!("../src/run/math/tests.rs"),
    ));
    // The last block shows rows of two tables.
    let blocks: Vec<&str> = page
        .split("```rust,ignore\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 3);
    let shown = blocks[..2].iter().copied().chain(blocks[2].lines());
    for text in shown.map(words) {
        assert!(text.len() > 20 && sources.contains(&text), "not in the sources:\n{text}");
    }
    for file in page.split('`').filter(|part| part.starts_with("crates/") && part.ends_with(".rs"))
    {
        let path = std::path::Path::new("../..").join(file);
        assert!(path.exists(), "{file} does not exist");
    }
}
