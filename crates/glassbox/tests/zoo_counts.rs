//! Every named model has as many parameters as were published, whatever it is that records it.
#![allow(clippy::unwrap_used, clippy::panic)] // In tests; clippy exempts only the test functions themselves.

use glassbox::engine::{DType, Graph, Mode};
use glassbox::zoo::{Choices, Named, Normalize};

/// Parameters in use and in training, where auxiliary heads are beside them.
fn counts(word: &str, choices: impl Fn(Choices) -> Choices) -> [usize; 2] {
    let named = Named::from_word(word).unwrap();
    let model =
        named.build(&choices(named.family.defaults), named.member.published.unwrap().classes);
    [Mode::Eval, Mode::Train].map(|mode| {
        let graph = Graph::new();
        let published = named.member.published.unwrap();
        let (side, channels) = (published.side, published.channels);
        let images = graph.input("images", DType::F32, [1, side, side, channels]);
        model.forward_with_heads(graph.root(mode), images);
        graph.check().unwrap_or_else(|mistakes| panic!("{word}: {mistakes}"));
        graph.parameters().iter().map(|(_, tensor)| tensor.elements()).sum()
    })
}

#[test]
fn models_have_as_many_parameters_as_were_published() {
    for named in Named::all().filter(|named| named.word() != "googlenet") {
        let Some(published) = named.member.published else { continue };
        let published = published.parameters;
        assert_eq!(counts(named.word(), |plain| plain), [published; 2], "{}", named.word());
    }
}

#[test]
fn auxiliary_heads_are_there_in_training_alone() {
    let none = |plain| Choices { auxiliary: false, ..plain };
    assert_eq!(counts("googlenet", |plain| plain), [6_624_904, 13_004_888]);
    assert_eq!(counts("googlenet", none), [6_624_904; 2]);
}

#[test]
fn normalised_forms_and_widths_have_the_published_counts_too() {
    // torchvision's vgg11_bn … vgg19_bn, and mobilenet_v2 with width_mult 0.5.
    let normal = |plain| Choices { normalize: Normalize::Batch, ..plain };
    let published = [
        ("vgg11", 132_868_840),
        ("vgg13", 133_053_736),
        ("vgg16", 138_365_992),
        ("vgg19", 143_678_248),
    ];
    for (word, published) in published {
        assert_eq!(counts(word, normal)[0], published, "{word}");
    }
    let half = |plain| Choices { width: 0.5, ..plain };
    assert_eq!(counts("mobilenet_v2", half)[0], 1_968_680);
}

#[test]
fn no_skip_connections_means_no_projections_of_them() {
    let plain = |word| counts(word, |choices| Choices { skip: false, ..choices })[0];
    // Shortcuts of the small form have no parameters; three 1 × 1 projections with normalisation of the
    // other have 64 · 128 + 128 · 256 + 256 · 512 + 2 · (128 + 256 + 512).
    assert_eq!(plain("resnet20"), 269_722);
    assert_eq!(plain("resnet18"), 11_689_512 - 172_032 - 1_792);
}
