//! Real files load untouched. Expected counts are what the data's publishers state.
#![allow(clippy::unwrap_used)] // In tests; clippy exempts only the test functions themselves.

use crate::support;

use glassbox::data::{Baseline, Dataset, Kind, Options, Role, Task, load};
use support::shared;

fn table(name: &str, target: Option<&str>) -> Option<Dataset> {
    let path = shared(&format!("tabular/{name}.csv"))?;
    let options = Options { target: target.map(String::from), ..Options::default() };
    Some(load(path, &options).unwrap())
}

fn missing(dataset: &Dataset, column: &str) -> usize {
    dataset.schema.as_ref().unwrap().column(column).unwrap().missing
}

fn dropped(dataset: &Dataset) -> Vec<&str> {
    let columns = &dataset.schema.as_ref().unwrap().columns;
    let dropped = columns.iter().filter(|column| matches!(column.role, Role::Dropped(_)));
    dropped.map(|column| column.name.as_str()).collect()
}

fn rows(dataset: &Dataset) -> usize {
    dataset.train.len() + dataset.valid.len() + dataset.test.len()
}

fn classes(dataset: &Dataset) -> Vec<&str> {
    dataset.preparation.target.classes().unwrap().iter().map(String::as_str).collect()
}

#[test]
fn iris_on_disk_is_the_embedded_one() {
    let Some(iris) = table("iris", None) else { return };
    assert_eq!(iris.fingerprint, glassbox::data::iris().fingerprint);
    assert_eq!(iris.preparation, glassbox::data::iris().preparation);
}

#[test]
fn penguins_have_species_and_missing_values() {
    let Some(penguins) = table("penguins", None) else { return };
    assert_eq!((penguins.preparation.target.name.as_str(), rows(&penguins)), ("species", 344));
    assert_eq!(classes(&penguins), ["Adelie", "Chinstrap", "Gentoo"]);
    assert_eq!((missing(&penguins, "bill_length_mm"), missing(&penguins, "sex")), (2, 11));
    assert!(penguins.input.features.contains(&"sex=missing".to_string()));
    assert_eq!(dropped(&penguins), [""; 0]);
    // 152 of 344 are Adelie.
    let Baseline::MajorityClass { class, frequencies } = Baseline::fit(&penguins.train) else {
        unreachable!()
    };
    assert_eq!(class, 0);
    assert!((frequencies[0] - 152.0 / 344.0).abs() < 0.005, "stratified");
}

#[test]
fn titanic_drops_names_tickets_and_cabins() {
    let Some(titanic) = table("titanic", None) else { return };
    assert_eq!((titanic.preparation.target.name.as_str(), rows(&titanic)), ("survived", 891));
    assert_eq!(classes(&titanic), ["0", "1"]);
    assert_eq!(dropped(&titanic), ["name", "ticket", "cabin"]);
    assert_eq!((missing(&titanic, "age"), missing(&titanic, "cabin")), (177, 687));
    assert!(titanic.input.features.contains(&"age_missing".to_string()));
}

#[test]
fn mpg_is_regression_when_asked_for() {
    let Some(mpg) = table("mpg", Some("mpg")) else { return };
    assert_eq!((&mpg.task, rows(&mpg)), (&Task::Regression, 398));
    assert_eq!((missing(&mpg, "horsepower"), dropped(&mpg)), (6, vec!["name"]));
    assert_eq!(mpg.schema.unwrap().column("origin").unwrap().kind, Kind::Category);
}

#[test]
fn housing_is_regression_with_a_category_among_its_inputs() {
    let Some(housing) = table("housing", Some("median_house_value")) else { return };
    assert_eq!((&housing.task, rows(&housing)), (&Task::Regression, 20_640));
    assert_eq!(missing(&housing, "total_bedrooms"), 207);
    assert_eq!(housing.input.shape, [8 + 1 + 5]);
    let proximity = housing.schema.as_ref().unwrap().column("ocean_proximity").unwrap();
    assert_eq!((proximity.kind, proximity.distinct), (Kind::Category, 5));
}

#[test]
fn series_load_as_tables() {
    let (Some(flights), Some(oil)) = (shared("series/flights.csv"), shared("series/ETTh1.csv"))
    else {
        return;
    };
    let load = |path| load(path, &Options::default()).unwrap();
    let (flights, oil) = (load(flights), load(oil));
    assert_eq!((flights.preparation.target.name.as_str(), rows(&flights)), ("passengers", 144));
    assert_eq!((oil.preparation.target.name.as_str(), rows(&oil)), ("OT", 17_420));
    // An hour a row, from July 2016 to June 2018.
    let dates = ["date", "date_month_sin", "date_month_cos", "date_weekday_sin"];
    assert_eq!(oil.input.features[..4], dates);
    assert_eq!(oil.schema.as_ref().unwrap().column("date").unwrap().kind, Kind::Date);
    assert_eq!(dropped(&oil), [""; 0]);
}

#[test]
fn mnist_keeps_its_test_part_and_order() {
    let Some(path) = shared("mnist") else { return };
    let mnist = load(path, &Options::default()).unwrap();
    assert_eq!(mnist.input.shape, [28, 28, 1]);
    assert_eq!((mnist.train.len(), mnist.valid.len(), mnist.test.len()), (54_000, 6_000, 10_000));
    // The first labels of the test set, as every tutorial shows them.
    assert_eq!(mnist.test.labels().unwrap()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let mut counts = [0; 10];
    for part in [&mnist.train, &mnist.valid] {
        part.labels().unwrap().iter().for_each(|label| counts[*label as usize] += 1);
    }
    assert_eq!(counts, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
}
