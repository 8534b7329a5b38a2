//! The end of a Parquet file: its columns, and where their pages are.

use super::Broken;
use super::thrift::Value;
use super::value::{Kind, Physical};

/// What the footer says.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) columns: Vec<Column>,
    pub(super) groups: Vec<Group>,
}

/// A column, whose values are one a row.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) physical: Physical,
    pub(super) kind: Kind,
    /// Whether rows may have no value.
    pub(super) optional: bool,
}

/// Rows whose columns stand together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: u64,
    /// One for each column.
    pub(super) chunks: Vec<Chunk>,
}

/// A column of a group: pages from `start` to `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) codec: i64,
}

/// What is wrong: with a column, or with the file as a whole.
pub(super) type Wrong = (Option<String>, String);

impl Footer {
    /// Reads a footer without its length and the letters after it.
    ///
    /// # Errors
    /// Every column that is nested or of a kind that cannot be read, by name; else what is broken.
    pub(super) fn read(bytes: &[u8]) -> Result<Footer, Vec<Wrong>> {
        let whole = |what: Broken| vec![(None, what.0)];
        let footer = Value::read(bytes).map_err(whole)?;
        let (footer, _) = footer.ok_or_else(|| whole(Broken::new("ends within its footer")))?;
        if footer.field(8).is_some() {
            return Err(whole(Broken::new("is encrypted")));
        }
        let columns = columns(footer.list(2))?;
        let groups = footer.list(4).iter().map(|group| read_group(group, columns.len()));
        let groups = groups.collect::<Result<_, _>>().map_err(whole)?;
        Ok(Footer { columns, groups })
    }
}

/// The columns of a schema, which is a tree in the order of its branches, the root first.
fn columns(elements: &[Value<'_>]) -> Result<Vec<Column>, Vec<Wrong>> {
    let (mut columns, mut wrong) = (Vec::new(), Vec::new());
    let mut at = 1;
    while let Some(element) = elements.get(at) {
        let name = element.text(4).unwrap_or_default();
        let branches = |element: &Value<'_>| element.int(5).unwrap_or(0).max(0) as u64;
        let repeated = element.int(3) == Some(2);
        if element.field(5).is_some() || repeated {
            let what = "is nested (a list, a map or a structure), not one value a row";
            wrong.push((Some(name), what.to_string()));
            let mut open = branches(element);
            while open > 0 && at + 1 < elements.len() {
                at += 1;
                open = open - 1 + branches(&elements[at]);
            }
        } else {
            let optional = element.int(3) != Some(0);
            match Physical::read(element).and_then(|physical| {
                let kind = Kind::read(element, physical)?;
                Ok((physical, kind))
            }) {
                Ok((physical, kind)) => columns.push(Column { name, physical, kind, optional }),
                Err(Broken(what)) => wrong.push((Some(name), what)),
            }
        }
        at += 1;
    }
    if wrong.is_empty() { Ok(columns) } else { Err(wrong) }
}

fn read_group(group: &Value<'_>, columns: usize) -> Result<Group, Broken> {
    let wrong = || Broken::new("has a footer that contradicts itself");
    let rows = group.int(3).and_then(|rows| u64::try_from(rows).ok()).ok_or_else(wrong)?;
    let chunks = group.list(1).iter().map(|chunk| {
        if chunk.field(1).is_some() {
            return Err(Broken::new("keeps its columns in other files"));
        }
        let about = chunk.field(3).ok_or_else(|| Broken::new("is encrypted"))?;
        let offset = |field| about.int(field).and_then(|at| u64::try_from(at).ok());
        let data = offset(9).ok_or_else(wrong)?;
        // Some writers say 0 where there is no dictionary.
        let start = offset(11).filter(|at| *at > 0).map_or(data, |at| at.min(data));
        let end = start.checked_add(offset(7).ok_or_else(wrong)?).ok_or_else(wrong)?;
        Ok(Chunk { start, end, codec: about.int(4).ok_or_else(wrong)? })
    });
    let chunks = chunks.collect::<Result<Vec<_>, _>>()?;
    if chunks.len() != columns {
        return Err(wrong());
    }
    Ok(Group { rows, chunks })
}
