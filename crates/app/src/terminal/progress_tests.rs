//! What a person sees of a run, drawn on a screen of letters.

use super::*;
use crate::text::Lang;

fn started() -> Event {
    Event::Started(Started {
        model: "mlp".into(),
        parameters: 109_386,
        bytes: 41_600_000,
        device: "cpu".into(),
        threads: 2,
        seed: 42,
        epochs: 50,
        choices: None,
        words: None,
        notices: vec!["column `cabin` dropped: an identifier or free text, 147 of 204".into()],
    })
}

fn step(fraction: f64) -> Event {
    Event::Step(Step {
        step: 100,
        epoch: 12,
        epochs: 50,
        fraction,
        loss: 0.2139,
        rows_per_second: 234_000.0,
        remaining: Some(19.0),
    })
}

fn epoch(epoch: u64, epochs: u64, train_loss: f64) -> Event {
    Event::Epoch(Epoch {
        epoch,
        epochs,
        step: epoch * 10,
        train_loss,
        valid_loss: Some(0.261),
        metrics: [("accuracy".to_owned(), 0.93)].into(),
        rows_per_second: 234_000.0,
        seconds: 0.5,
        remaining: Some(20.0),
    })
}

fn finished() -> Event {
    let (ending, best_step) = (Ending::Done, Some(20));
    let loading = Default::default();
    Event::Finished(Finished { ending, step: 30, epoch: 3, best_step, seconds: 1.0, loading })
}

fn shown(screen: Screen, lang: Lang, events: &[Event]) -> String {
    let mut progress = Progress::new(Vec::new(), screen, Text::new(lang));
    let begin = Instant::now();
    for (index, event) in events.iter().enumerate() {
        // A second apart, so that every line is drawn.
        progress.handle_at(event, begin + Duration::from_secs(index as u64));
    }
    String::from_utf8(progress.into_inner()).unwrap()
}

const PLAIN: Screen = Screen { live: false, colour: false, columns: Some(usize::MAX) };

fn live_screen(columns: usize) -> Screen {
    Screen { live: true, colour: false, columns: Some(columns) }
}

#[test]
fn the_block_reads_as_specified() {
    let events = [started(), epoch(11, 50, 0.22), step(0.61)];
    let screen = shown(live_screen(120), Lang::English, &events);
    let lines: Vec<&str> = screen.split(['\n', '\r']).collect();
    assert_eq!(
        lines[0],
        "glassbox · mlp · 109,386 parameters · 41.6 MB · cpu, 2 threads · seed 42"
    );
    assert_eq!(
        lines.last().unwrap().trim_start_matches("\x1b[2K"),
        "epoch 12/50 ━━━━━━━━━━━━━──────── 61 %  loss 0.214  val 0.261  acc 0.930  234k rows/s  0:19 left"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_in_either_language() {
    let alert = Alert {
        step: 1,
        place: "fc1".into(),
        message: "gradient norm 1e-7 of the output layer's (vanishing). Try relu or a skip".into(),
        alarm: None,
    };
    let events = [
        started(),
        epoch(1, 3, 2.3),
        step(0.61),
        Event::Alert(alert),
        epoch(2, 3, 1.0),
        epoch(3, 3, 0.5),
        finished(),
    ];
    for lang in [Lang::English, Lang::Korean] {
        for columns in [10, 20, 40, 60, 80, 100, 120] {
            for line in shown(live_screen(columns), lang, &events).split(['\n', '\r']) {
                let line = line.trim_start_matches("\x1b[2K");
                assert!(width(line) < columns, "{columns} columns: {line}");
            }
        }
    }
}

#[test]
fn a_file_gets_one_line_an_epoch_and_no_control_codes() {
    let events = [started(), step(0.5), epoch(1, 2, 2.3), step(0.5), epoch(2, 2, 0.5), finished()];
    let text = shown(PLAIN, Lang::English, &events);
    assert_eq!(
        text.lines().skip(2).collect::<Vec<_>>(),
        [
            "epoch 1/2  loss 2.30  val 0.261  acc 0.930  234k rows/s",
            "epoch 2/2  loss 0.500  val 0.261  acc 0.930  234k rows/s",
            "loss     2.30 █▂ 0.500",
            "val     0.261 ▁▁ 0.261",
            "best weights: step 20",
        ]
    );
    assert!(!text.contains('\x1b'));
}

#[test]
fn what_was_decided_about_the_data_is_told_whole_on_a_narrow_screen() {
    let text = shown(live_screen(50), Lang::English, &[started()]);
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let wrapped = ["column `cabin` dropped: an identifier or free", "  text, 147 of 204"];
    assert_eq!(lines, wrapped);
}

#[test]
fn the_line_is_redrawn_at_most_twenty_times_a_second() {
    let mut progress = Progress::new(Vec::new(), live_screen(80), Text::default());
    let begin = Instant::now();
    for millisecond in 0..1000 {
        progress.handle_at(&step(0.5), begin + Duration::from_millis(millisecond));
    }
    let drawings = progress.into_inner().iter().filter(|&&byte| byte == b'\r').count();
    assert_eq!(drawings, 20);
}

#[test]
fn the_epoch_a_run_ends_with_is_on_the_screen_however_soon_it_came() {
    let mut progress = Progress::new(Vec::new(), live_screen(80), Text::default());
    let begin = Instant::now();
    progress.handle_at(&step(0.5), begin);
    progress.handle_at(&epoch(12, 50, 0.2), begin);
    let (ending, best_step) = (Ending::StoppedEarly, Some(20));
    let loading = Default::default();
    let end = Finished { ending, step: 120, epoch: 12, best_step, seconds: 1.0, loading };
    progress.handle_at(&Event::Finished(end), begin);
    let text = String::from_utf8(progress.into_inner()).unwrap();
    let line = text.lines().next().unwrap().rsplit("\x1b[2K").next().unwrap();
    assert!(line.starts_with("epoch 12/50 ") && line.contains("100 %"), "{line}");
    assert!(!line.contains("left"), "{line}");
}

#[test]
fn a_warning_takes_the_live_lines_place_and_the_line_comes_back_below() {
    let alert = Alert { step: 1, place: "fc1".into(), message: "vanishing".into(), alarm: None };
    let events = [step(0.1), Event::Alert(alert), step(0.2)];
    let text = shown(live_screen(80), Lang::English, &events);
    let parts: Vec<&str> = text.split("\r\x1b[2K").collect();
    assert_eq!(parts[2], "! fc1: vanishing\n");
    assert!(parts[3].starts_with("epoch 12/50"));
}

#[test]
fn a_bar_grows_by_half_columns() {
    let bar = |fraction| {
        let (done, rest) = bar_pieces(fraction, 4);
        done + &rest
    };
    assert_eq!([0.0, 0.125, 0.5, 1.0].map(bar), ["────", "╸───", "━━──", "━━━━"]);
}
