//! Which part and class each file of a place belongs to, by the folders it lies in.

use std::collections::BTreeMap;

use super::decode::Unusable;
use super::facts::Skipped;
use crate::data::error::count;
use crate::nearest::listed;

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::data) enum Part {
    Train,
    Valid,
    Test,
}

impl Part {
    pub(super) fn word(self) -> &'static str {
        match self {
            Part::Train => "training",
            Part::Valid => "validation",
            Part::Test => "test",
        }
    }

    /// The part that a folder is by its name.
    fn of(folder: &str) -> Option<Part> {
        match folder.to_lowercase().as_str() {
            "train" | "training" => Some(Part::Train),
            "valid" | "val" | "validation" => Some(Part::Valid),
            "test" | "testing" => Some(Part::Test),
            _ => None,
        }
    }
}

/// Where the files of a place belong.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Of each file its part and class, in the order of the files; none of those that are left out.
    pub(super) rows: Vec<Option<(Part, String)>>,
    /// Whether the folders say which part is which.
    pub(super) has: [bool; 3],
    /// Files that ought to be images and are not, or are damaged.
    pub(super) skipped: Vec<Skipped>,
    /// What was passed over, in words.
    pub(super) notices: Vec<String>,
    /// Images that lie in no class.
    pub(super) stray: Vec<String>,
}

/// Whether a file was meant to be an image, by what it is or is called.
fn means_image(name: &str, is_image: bool) -> bool {
    is_image || super::is_image_name(name.as_ref())
}

/// The layout of files by their names; `unusable` are those that give no picture. Where rows are learned
/// themselves, an image may lie in no class: its class is empty.
pub(super) fn layout(
    names: &[&str],
    unusable: &BTreeMap<usize, Unusable>,
    empty: &[String],
    itself: bool,
) -> Layout {
    let damaged = |file: usize| matches!(unusable.get(&file), Some(Unusable::Damaged(_)));
    let image = |file: usize| !unusable.contains_key(&file);
    let meant = |file: usize| means_image(names[file], image(file) || damaged(file));
    let images: Vec<&str> =
        (0..names.len()).filter(|file| meant(*file)).map(|f| names[f]).collect();
    let mut layout = Layout::default();
    let above = common_folder(&images);
    if !above.is_empty() {
        layout.notices.push(format!("everything lies in `{above}`"));
    }
    let inside = |name| inside(name, &above);
    let in_parts = images.iter().any(|name| {
        let mut folders = inside(name).unwrap_or_default().split('/');
        folders.next().and_then(Part::of) == Some(Part::Train) && folders.next().is_some()
    });
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for (file, name) in names.iter().enumerate() {
        let mut rest = inside(name).unwrap_or(name);
        let mut part = Part::Train;
        if in_parts && let Some((folder, below)) = rest.split_once('/') {
            match Part::of(folder) {
                Some(of) => (part, rest) = (of, below),
                None => {
                    *others.entry(folder.to_owned()).or_default() += usize::from(meant(file));
                    layout.rows.push(None);
                    continue;
                }
            }
        } else if in_parts {
            rest = "";
        }
        let class = match rest.split_once('/') {
            Some((class, _)) => Some(class),
            None => (itself && !rest.is_empty()).then_some(""),
        };
        let row = match (class, unusable.get(&file)) {
            (Some(class), None) => Some((part, class.to_owned())),
            // A table or a text beside images is no matter.
            (Some(""), Some(_)) if !meant(file) => None,
            (Some(_), Some(unusable)) => {
                let (file, problem) = (name.to_string(), unusable.words().to_owned());
                layout.skipped.push(Skipped { file, problem });
                None
            }
            (None, _) => {
                layout.stray.extend(meant(file).then(|| name.to_string()));
                None
            }
        };
        if row.is_some() {
            layout.has[part as usize] |= in_parts;
        }
        layout.rows.push(row);
    }
    for (folder, images) in others.iter().filter(|(_, images)| **images > 0) {
        layout.notices.push(format!(
            "`{folder}/` is neither train, valid nor test: its {} left out",
            count(*images, "image")
        ));
    }
    let empty: Vec<&str> = empty.iter().filter_map(|folder| inside(folder)).collect();
    if !empty.is_empty() {
        layout.notices.push(format!("no image in {}: left out", listed(&empty)));
    }
    layout
}

/// What is inside a folder that holds everything.
fn inside<'n>(name: &'n str, above: &str) -> Option<&'n str> {
    match above {
        "" => Some(name),
        above => name.strip_prefix(above)?.strip_prefix('/'),
    }
}

/// The folders in which everything lies, above those of parts and classes.
fn common_folder(images: &[&str]) -> String {
    let Some(first) = images.first() else { return String::new() };
    let folders: Vec<&str> = first.split('/').collect();
    let mut above = String::new();
    // The file and its class stay.
    for folder in folders.iter().take(folders.len().saturating_sub(2)) {
        let longer = match above.is_empty() {
            true => (*folder).to_owned(),
            false => format!("{above}/{folder}"),
        };
        let holds = |name: &&str| inside(name, &longer).is_some_and(|rest| rest.contains('/'));
        if Part::of(folder).is_some() || !images.iter().all(holds) {
            break;
        }
        above = longer;
    }
    above
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Layout {
        layout(names, &BTreeMap::new(), &[], false)
    }

    fn itself(names: &[&str]) -> Layout {
        layout(names, &BTreeMap::new(), &[], true)
    }

    fn row(part: Part, class: &str) -> Option<(Part, String)> {
        Some((part, class.to_owned()))
    }

    #[test]
    fn folders_are_classes_and_may_hold_folders() {
        let layout = of(&["cat/1.png", "cat/old/2.png", "dog/1.png", "3.png"]);
        let cat = || row(Part::Train, "cat");
        assert_eq!(layout.rows, [cat(), cat(), row(Part::Train, "dog"), None]);
        assert_eq!((layout.has, layout.stray), ([false; 3], vec!["3.png".to_owned()]));
    }

    #[test]
    fn parts_stand_above_classes() {
        let names =
            ["x/Train/cat/1.png", "x/test/cat/1.png", "x/val/dog/1.png", "x/more/cat/1.png"];
        let layout = of(&names);
        let rows = [row(Part::Train, "cat"), row(Part::Test, "cat"), row(Part::Valid, "dog"), None];
        assert_eq!((&layout.rows[..], layout.has), (&rows[..], [true; 3]));
        assert_eq!(layout.notices.len(), 2, "{:?}", layout.notices);
    }

    #[test]
    fn rows_that_are_learned_themselves_need_no_class() {
        let none = |part| row(part, "");
        assert_eq!(itself(&["1.png", "2.png"]).rows, [none(Part::Train), none(Part::Train)]);
        let mixed = itself(&["1.png", "cat/2.png"]);
        assert_eq!(mixed.rows, [none(Part::Train), row(Part::Train, "cat")]);
        assert!(mixed.stray.is_empty());
        let parts = itself(&["x/train/1.png", "x/test/2.png"]);
        assert_eq!(parts.rows, [none(Part::Train), none(Part::Test)]);
        let beside = itself(&["train/1.png", "3.png"]);
        assert_eq!(beside.rows, [none(Part::Train), None]);
        assert_eq!((beside.has, beside.stray), ([true, false, false], vec!["3.png".to_owned()]));
        let text = BTreeMap::from([(1, Unusable::NoImage("is no image".into()))]);
        let beside = layout(&["1.png", "notes.txt"], &text, &[], true);
        assert_eq!((&beside.rows[..], beside.skipped.len()), (&[none(Part::Train), None][..], 0));
    }

    #[test]
    fn a_class_may_be_called_test() {
        let layout = of(&["test/1.png", "control/1.png"]);
        assert_eq!(layout.rows[0], row(Part::Train, "test"));
    }

    #[test]
    fn a_folder_of_one_class_is_no_folder_above_classes() {
        assert_eq!(of(&["cat/1.png", "cat/2.png"]).rows[0], row(Part::Train, "cat"));
        assert_eq!(of(&["a/b/cat/1.png", "a/b/dog/2.png"]).rows[1], row(Part::Train, "dog"));
    }
}
