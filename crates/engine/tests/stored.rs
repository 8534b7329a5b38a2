//! Graphs as data: what is written and read back is the same model, and what was damaged on the way is
//! an error or a sound graph, never a panic.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use glassbox_engine::op::{Convolution, Pooling};
use glassbox_engine::random::Stream;
use glassbox_engine::reference::Evaluation;
use glassbox_engine::{
    Array, DType, Distribution, Graph, Initial, Mode, Options, Parameters, Session, Tensor, grad,
};
use serde_json::Value as Json;

/// A step with nearly every op; the outputs are named `out0`, `out1` …
fn model() -> Graph {
    let graph = Graph::new();
    let at = graph.root(Mode::Train);
    let (seed, step) = (graph.input("seed", DType::I64, []), graph.input("step", DType::I64, []));
    let x = graph.input("x", DType::F32, [6, 4]);
    let ids = graph.input("ids", DType::I64, [6]);
    let layer = at.child("net").child("layer");
    let table = layer.parameter("table", [9, 4], Initial::Normal { mean: 0.0, deviation: 0.3 });
    let w = layer.parameter("w", [4, 5], Initial::Uniform { low: -0.5, high: 0.5 });
    let best = at.state("best", DType::F64, [], Initial::Constant(f64::INFINITY));
    let noise = layer.child("noise").random(Distribution::Normal, [6, 4], seed, step);
    let h = (table.gather(ids) + x * noise).tanh();
    let logits = {
        let _inside = layer.enter();
        h.matmul(w).named("logits")
    };
    let masked = graph
        .iota([6, 5], 1)
        .equal(ids.reshape([6, 1]))
        .select(logits, logits.full_like(f64::NEG_INFINITY));
    let shifted = logits - logits.max_axis(-1);
    let loss = (shifted.exp().sum_axis(-1).log() - shifted.max_axis(-1)).mean();
    let slopes = grad(loss, &[table, w]);
    let second = grad(slopes[1].square().sum(), &[w])[0];
    for (path, slope) in ["net/layer/table", "net/layer/w"].into_iter().zip(&slopes) {
        at.assign(path, graph.current(path).unwrap() - *slope * 0.1);
    }
    at.assign("best", best.min_with(loss.cast(DType::F64)));
    let start = Initial::Orthogonal { gain: 1.5 };
    let cache = at.state("cache", DType::F32, [8, 4], start);
    let update = cache.update_slice(h, step, 0);
    at.assign("cache", update);
    let order = logits.sort(0).0.cumulative_sum(1) * logits.top_k(5, 1).0;
    let pieces = x.slice_to(&[0, 1], &[2, 2], [3, 2].into()).embed(&[1, 0], &[1, 3], [5, 4]);
    // A loop, another within it, and the way back.
    let (last, all) = graph.scan(6, w, x, |c, x, t| {
        let noise = layer.random(Distribution::Uniform, [4, 5], seed, step);
        let (c, sums) = graph.scan(2, c, (), |c, (), _| {
            let c = (c * t.cast(DType::F32) + x.reshape([1, 4]).matmul(table.slice(0, 0..4)).sum())
                .tanh();
            (c, c.sum())
        });
        (c + noise, sums.sum())
    });
    let rolled = last.sum() * 0.01 + all.square().mean();
    let around = grad(rolled, &[w, x])[0];
    let filter = table.slice(0, 0..3).reshape([2, 2, 1, 3]);
    let choices = Convolution::default().stride([1, 2]).padding([1, 0]).dilation([2, 1]);
    let images = h.reshape([1, 6, 4, 1]).conv2d(filter, choices);
    let pooled = images.max_pool2d(Pooling::new([2, 2]).stride([2, 1]));
    let spread = images.conv_transpose2d(filter, choices, [0, 1]);
    let filtered = grad(pooled.0.square().sum() + spread.square().sum(), &[table])[0];
    let outputs = [
        loss,
        masked.max_with_index(1).0,
        masked.argmax(1),
        slopes[0],
        slopes[1],
        second,
        pieces.permute(&[1, 0]).concatenate(&[pieces.transpose()], 0),
        h.scatter_add(ids, 7).sum_to([1, 4]),
        h.scatter(ids.slice(0, 0..1), h.slice(0, 0..1)),
        graph.constant(DType::F32, -0.0) / graph.constant(DType::F32, 0.0),
        best,
        logits.cumulative_sum(0).sort(1).0,
        logits.top_k(2, 1).1,
        update,
        update.slice_at(step, 3, 0).clamp(-0.5, 0.5),
        grad(order.sum(), &[w])[0],
        around,
        images,
        pooled.1,
        spread,
        filtered,
    ];
    for (index, output) in outputs.into_iter().enumerate() {
        output.named(&format!("out{index}"));
    }
    graph.check().unwrap();
    graph
}

fn outputs(graph: &Graph) -> Vec<Tensor<'_>> {
    (0..20).filter_map(|index| graph.named(&format!("out{index}"))).collect()
}

fn inputs() -> Parameters {
    let x: Vec<f32> = (0..24).map(|i| (i as f32 * 0.7).sin()).collect();
    let mut inputs = Parameters::new();
    inputs.insert("seed", Array::new([], vec![3i64]).unwrap());
    inputs.insert("step", Array::new([], vec![1i64]).unwrap());
    inputs.insert("x", Array::new([6, 4], x).unwrap());
    inputs.insert("ids", Array::vector([0i64, 3, 3, 1, 2, 0]));
    inputs
}

/// Outputs and states after a run, as bits.
fn run(graph: &Graph, values: Parameters) -> Result<Vec<Vec<u64>>, String> {
    let options = Options { threads: 1, memory_limit: 1 << 20, ..Options::default() };
    let mut session = Session::new(options).map_err(|e| e.to_string())?;
    session.load(values);
    let results = session.evaluate(graph, &inputs(), &outputs(graph)).map_err(|e| e.to_string())?;
    let states = session.values();
    let all = results.iter().chain(states.iter().map(|(_, value)| value));
    Ok(all.map(|a| a.to_f64().iter().map(|x| x.to_bits()).collect()).collect())
}

#[test]
fn a_graph_that_is_read_back_runs_to_the_same_bits_and_prints_the_same() {
    let graph = model();
    let text = serde_json::to_string(&graph).unwrap();
    let back: Graph = serde_json::from_str(&text).unwrap();
    assert_eq!(back.to_string(), graph.to_string());
    assert_eq!(back.declarations(), graph.declarations());
    assert_eq!(back.contributions(), graph.contributions());
    assert_eq!(back.initial_values(7), graph.initial_values(7));
    let expected = run(&graph, graph.initial_values(7)).unwrap();
    assert_eq!(expected.len(), 20 + 4);
    assert_eq!(run(&back, back.initial_values(7)).unwrap(), expected);
    assert_eq!(serde_json::to_string(&back).unwrap(), text, "written again it is the same");
}

#[test]
fn recording_goes_on_in_a_graph_that_was_read_back() {
    let graph = model();
    let back: Graph = serde_json::from_str(&serde_json::to_string(&graph).unwrap()).unwrap();
    let more = |graph: &Graph| {
        let seed = graph.find_input("seed").unwrap();
        let layer = graph.root(Mode::Train).again().child("net").child("layer").child("noise");
        let noise = layer.random(Distribution::Normal, [6, 4], seed, seed);
        let old = graph.named("net/layer/logits").unwrap();
        let w = graph.state("net/layer/w").unwrap();
        grad((noise.sum() * old).sum(), &[w])[0].named("out0");
        graph.check().unwrap();
        run(graph, graph.initial_values(7)).unwrap()
    };
    assert_eq!(more(&graph), more(&back), "a new draw is the same new draw");
}

#[test]
fn constants_that_json_has_no_number_for_survive() {
    for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, f64::MIN_POSITIVE / 4.0, 0.1] {
        let graph = Graph::new();
        graph.constant(DType::F64, value).named("out0");
        graph.root(Mode::Eval).state("s", DType::F64, [1], value);
        let back: Graph = serde_json::from_str(&serde_json::to_string(&graph).unwrap()).unwrap();
        let bits = |graph: &Graph| run(graph, graph.initial_values(0)).unwrap();
        assert_eq!(bits(&back), bits(&graph), "{value}");
        assert_eq!(bits(&back)[0][0], value.to_bits(), "{value}");
    }
}

#[test]
fn other_formats_and_broken_references_are_refused_in_words() {
    let good = serde_json::to_value(model()).unwrap();
    let refuse = |change: &dyn Fn(&mut Json), words: &str| {
        let mut json = good.clone();
        change(&mut json);
        assert_ne!(json, good, "{words}");
        let error = serde_json::from_value::<Graph>(json).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "“{words}” is not in: {error}");
    };
    let nodes = good["nodes"].as_array().unwrap();
    let state = nodes.iter().position(|n| n["op"].get("State").is_some()).unwrap();
    refuse(&|j| j["format"] = 2.into(), "graph format 2");
    refuse(&|j| j["scopes"] = Json::Array(Vec::new()), "no root scope");
    refuse(&|j| j["scopes"][1]["parent"] = 7.into(), "missing scope");
    refuse(&|j| j["scopes"][0]["children"]["net"] = 99.into(), "missing scope");
    refuse(&|j| j["nodes"][4]["origin"]["scope"] = 99.into(), "its scope is missing");
    refuse(
        &|j| j["nodes"][1]["op"]["Input"]["name"] = "seed".into(),
        "two inputs are called `seed`",
    );
    refuse(&|j| j["nodes"][state]["op"]["State"]["path"] = "else".into(), "`else` is not declared");
    refuse(&|j| j["declarations"]["net/layer/w"]["node"] = 0.into(), "is not declared");
    refuse(&|j| j["declarations"]["net/layer/w"]["current"]["node"] = 99_999.into(), "missing");
    refuse(&|j| j["names"]["out0"]["node"] = 99_999.into(), "a name refers to a missing value");
    refuse(&|j| j["contributions"][0]["argument"] = 9.into(), "contribution");
    refuse(&|j| drop(j["nodes"].as_array_mut().unwrap().remove(0)), "node ");
    refuse(&|j| j["nodes"].as_array_mut().unwrap().swap(0, 9), "node 0: ");
    let last = good["nodes"].as_array().unwrap().len() - 1;
    refuse(
        &|j| {
            let node = (0..last).find(|&i| j["nodes"][i]["op"].get("Binary").is_some()).unwrap();
            j["nodes"][node]["args"][0]["node"] = last.into();
        },
        "an argument does not come before it",
    );
    refuse(
        &|j| {
            let node = (0..last).find(|&i| j["nodes"][i]["op"] == "Matmul").unwrap();
            j["nodes"][node]["outputs"][0]["shape"] = vec![1, 2, 3].into();
        },
        "do not follow from its arguments",
    );
    refuse(
        &|j| j["nodes"][2]["outputs"][0]["shape"] = vec![1u64 << 40; 3].into(),
        "impossible shape",
    );
    refuse(&|j| j["nodes"][2]["outputs"][0]["shape"] = vec![1; 100].into(), "impossible shape");
    refuse(&|j| j["nodes"][2]["outputs"][0]["assumed"] = 1.into(), "impossible shape");
    refuse(
        &|j| {
            let adjoint = |i: &usize| j["nodes"][*i]["origin"]["role"].get("Adjoint").is_some();
            let node = (0..last).find(adjoint).unwrap();
            j["nodes"][node]["origin"]["role"]["Adjoint"]["of"] = 99_999.into();
        },
        "its role refers to a missing node",
    );
}

#[test]
fn loops_that_are_incomplete_or_mixed_up_are_refused() {
    let good = serde_json::to_value(model()).unwrap();
    let nodes = good["nodes"].as_array().unwrap();
    let all = |kind: &str| -> Vec<usize> {
        let is = |n: &Json| n["op"] == *kind || n["op"].get(kind).is_some();
        (0..nodes.len()).filter(|&i| is(&nodes[i])).collect()
    };
    let (times, carries, each, scans) = (all("Time"), all("Carry"), all("Each"), all("Scan"));
    let value = |node: usize| serde_json::json!({ "node": node, "output": 0 });
    let refuse = |change: &dyn Fn(&mut Json), words: &str| {
        let mut json = good.clone();
        change(&mut json["nodes"]);
        let error = serde_json::from_value::<Graph>(json).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "“{words}” is not in: {error}");
    };
    refuse(&|n| n[times[0]]["op"]["Time"]["steps"] = 5.into(), "it does not belong to its loop");
    refuse(&|n| n[times[0]]["op"]["Time"]["steps"] = u64::MAX.into(), "");
    refuse(&|n| n[times[1]]["args"][0] = value(0), "lies in something that is no loop");
    refuse(&|n| n[carries[0]]["args"][0] = value(0), "");
    refuse(&|n| n[each[0]]["args"][0] = value(0), "it does not belong to its loop");
    refuse(&|n| n[carries[0]]["op"]["Carry"]["slot"] = 3.into(), "its loop is incomplete");
    refuse(&|n| n[carries[1]]["args"][0] = value(times[0]), "");
    refuse(&|n| n[scans[0]]["op"]["Scan"]["steps"] = 9.into(), "do not follow");
    refuse(&|n| n[scans[0]]["op"]["Scan"]["carries"] = 0.into(), "do not follow");
    refuse(&|n| n[scans[0]]["op"]["Scan"]["carries"] = u64::MAX.into(), "number of arguments");
    refuse(&|n| n[scans[1]]["args"][0] = value(times[1]), "");
    refuse(&|n| n[scans[1]]["args"][1] = value(carries[1]), "");
    // What lies inside cannot be read outside, nor a state be set to it.
    let outside =
        (scans[1]..nodes.len()).find(|&i| nodes[i]["op"]["Reduce"] != Json::Null).unwrap();
    let mixed = |n: &mut Json| {
        n[outside]["args"][0] = value(carries[0]);
        n[outside]["outputs"] = serde_json::json!([{ "shape": [1, 1], "dtype": "f32" }]);
    };
    let mut json = good.clone();
    mixed(&mut json["nodes"]);
    assert!(serde_json::from_value::<Graph>(json).is_err());
}

#[test]
fn ops_whose_sizes_do_not_fit_their_arguments_are_refused_in_words() {
    let good = serde_json::to_value(model()).unwrap();
    let huge = || Json::from(u64::MAX);
    for (op, field, value, words) in [
        ("Sort", "axis", 2.into(), "has no axis 2"),
        ("Sort", "axis", huge(), "has no axis"),
        ("Sort", "count", 7.into(), "has"),
        ("Sort", "count", huge(), "has"),
        ("Sort", "count", 1.into(), "do not follow"),
        ("Sort", "count", Json::Null, "invalid type"),
        ("Sort", "descending", 1.into(), "invalid type"),
        ("CumulativeSum", "axis", 2.into(), "has no axis 2"),
        ("CumulativeSum", "axis", huge(), "has no axis"),
        ("CumulativeSum", "reverse", 1.into(), "invalid type"),
        ("SliceAt", "axis", 5.into(), "has no axis 5"),
        ("SliceAt", "axis", huge(), "has no axis"),
        ("SliceAt", "size", 9.into(), "has 8 elements, not 9"),
        ("SliceAt", "size", huge(), "has 8 elements"),
        ("SliceAt", "size", 2.into(), "do not follow"),
        ("UpdateSlice", "axis", 1.into(), "does not fit"),
        ("UpdateSlice", "axis", huge(), "has no axis"),
        ("Convolution", "gives", "Nothing".into(), "unknown variant"),
        ("MaxPool", "choices", Json::Null, "invalid type"),
    ] {
        let mut json = good.clone();
        let nodes = json["nodes"].as_array_mut().unwrap();
        let node = nodes.iter_mut().find(|n| n["op"].get(op).is_some()).unwrap();
        node["op"][op][field] = value;
        let error = serde_json::from_value::<Graph>(json).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "{op} {field}: “{words}” is not in: {error}");
    }
    // Choices that do not fit, within the choices.
    for (op, field, value, words) in [
        ("Convolution", "stride", serde_json::json!([0, 1]), "at least 1"),
        ("Convolution", "stride", serde_json::json!([u64::MAX, 1]), "too large"),
        ("Convolution", "dilation", serde_json::json!([2, u64::MAX / 2]), "too large"),
        ("Convolution", "padding", serde_json::json!([[0, 0], [u64::MAX, 1]]), "too large"),
        ("Convolution", "padding", serde_json::json!([[5, 0], [0, 1]]), "do not follow"),
        ("Convolution", "groups", 0.into(), "1 group at least"),
        ("Convolution", "groups", 2.into(), "1 channels cannot be cut"),
        ("Convolution", "groups", huge(), "groups"),
        ("MaxPool", "window", serde_json::json!([0, 2]), "at least 1"),
        ("MaxPool", "window", serde_json::json!([2, u64::MAX]), "too large"),
        ("MaxPool", "padding", serde_json::json!([[2, 0], [0, 0]]), "not below the window"),
        ("MaxPool", "stride", serde_json::json!([1, 1]), "do not follow"),
    ] {
        let mut json = good.clone();
        let nodes = json["nodes"].as_array_mut().unwrap();
        let node = nodes.iter_mut().find(|n| n["op"].get(op).is_some()).unwrap();
        node["op"][op]["choices"][field] = value;
        let error = serde_json::from_value::<Graph>(json).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(words), "{op} {field}: “{words}” is not in: {error}");
    }
    // Too few arguments, and a position that is none.
    for (op, change) in [("SliceAt", 1), ("UpdateSlice", 2)] {
        for missing in [true, false] {
            let mut json = good.clone();
            let nodes = json["nodes"].as_array_mut().unwrap();
            let node = nodes.iter_mut().find(|n| n["op"].get(op).is_some()).unwrap();
            let args = node["args"].as_array_mut().unwrap();
            match missing {
                true => drop(args.pop()),
                false => args[change] = args[0].clone(),
            }
            let error = serde_json::from_value::<Graph>(json).map(|_| ()).unwrap_err().to_string();
            let words = if missing { "wrong number of arguments" } else { "position" };
            assert!(error.contains(words), "{op}: {error}");
        }
    }
}

/// Every place in a tree of JSON values, as the way to it.
fn places(json: &Json, here: &mut Vec<String>, all: &mut Vec<Vec<String>>) {
    all.push(here.clone());
    let children: Vec<(String, &Json)> = match json {
        Json::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        Json::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        here.push(name);
        places(child, here, all);
        here.pop();
    }
}

fn damage(json: &mut Json, pick: &mut dyn FnMut(usize) -> usize) {
    let numbers = [
        Json::from(0),
        Json::from(1),
        Json::from(2),
        Json::from(5),
        Json::from(u32::MAX),
        Json::from(u64::MAX),
        Json::from(i64::MIN),
        Json::from(1u64 << 40),
        Json::from(-1),
        Json::from(0.5),
        Json::from(1e300),
        Json::from("NaN"),
        Json::from("inf"),
        Json::Null,
        Json::Bool(true),
        Json::Array(Vec::new()),
    ];
    match json {
        Json::Array(items) if !items.is_empty() && pick(2) == 0 => {
            let (one, other) = (pick(items.len()), pick(items.len()));
            match pick(4) {
                0 => drop(items.remove(one)),
                1 => items.swap(one, other),
                2 => items[one] = items[other].clone(),
                _ => items.push(items[one].clone()),
            }
        }
        Json::Object(fields) if !fields.is_empty() && pick(2) == 0 => {
            let name = fields.keys().nth(pick(fields.len())).unwrap().clone();
            let value = fields.remove(&name).unwrap();
            if pick(2) == 0 {
                fields.insert(format!("{name}x"), value);
            }
        }
        Json::String(text) if pick(3) > 0 => {
            let words = ["", "F32", "I64", "i64", "f64", "bool", "Sum", "Max", "Exp", "seed", "/"];
            *text = words[pick(words.len())].to_string();
        }
        Json::Number(n) if pick(2) == 0 => {
            let near = n.as_i64().unwrap_or(0).wrapping_add(pick(5) as i64 - 2);
            *json = near.into();
        }
        other => *other = numbers[pick(numbers.len())].clone(),
    }
}

/// What a damaged graph must survive if it is read at all.
fn exercise(graph: &Graph, values: &Parameters) -> bool {
    graph.check().unwrap();
    assert!(!graph.to_string().is_empty());
    let ran = run(graph, values.clone()).is_ok();
    // It can be written, and recording goes on.
    serde_json::to_string(graph).unwrap();
    if let Some(loss) = graph.named("out0") {
        let of: Vec<_> = graph.parameters().into_iter().map(|(_, tensor)| tensor).collect();
        grad(loss, &of);
    }
    ran
}

#[test]
fn a_damaged_graph_is_an_error_or_sound_never_a_panic() {
    let graph = model();
    let values = graph.initial_values(7);
    let good = serde_json::to_value(&graph).unwrap();
    let mut all = Vec::new();
    places(&good, &mut Vec::new(), &mut all);
    // Source lines are names for display: damaging them damages nothing.
    all.retain(|place| !place.iter().any(|name| matches!(name.as_str(), "at" | "entered_at")));
    let stream = Stream::new(11, "damage", 0);
    let mut counter = 0u64;
    let mut pick = |n: usize| {
        counter += 1;
        stream.bits(counter) as usize % n
    };
    let (mut refused, mut sound, mut ran) = (0, 0, 0);
    // A panic is reported once, with the damage; other tests' panics as ever.
    let hook = std::panic::take_hook();
    let here = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != here {
            hook(info);
        }
    }));
    for trial in 0..4000 {
        let mut json = good.clone();
        let mut where_to = Vec::new();
        for _ in 0..1 + pick(2) {
            let place = all[pick(all.len())].clone();
            let mut target = Some(&mut json);
            for name in &place {
                target = match target {
                    Some(Json::Array(items)) => {
                        name.parse::<usize>().ok().and_then(|i| items.get_mut(i))
                    }
                    Some(Json::Object(fields)) => fields.get_mut(name),
                    _ => None,
                };
            }
            if let Some(target) = target {
                damage(target, &mut pick);
                where_to.push(format!("{} = {target}", place.join("/")));
            }
        }
        let survived = catch_unwind(AssertUnwindSafe(|| {
            serde_json::from_value::<Graph>(json).ok().map(|graph| exercise(&graph, &values))
        }));
        match survived {
            Ok(None) => refused += 1,
            Ok(Some(did_run)) => {
                sound += 1;
                ran += usize::from(did_run);
            }
            Err(payload) => {
                drop(std::panic::take_hook());
                let what = payload.downcast_ref::<String>().cloned();
                let what = what.or_else(|| payload.downcast_ref::<&str>().map(|s| s.to_string()));
                panic!("trial {trial}: {what:?} after {where_to:#?}");
            }
        }
    }
    drop(std::panic::take_hook());
    println!("{refused} refused, {sound} sound, of which {ran} ran");
    assert!(refused > 500 && sound > 50 && ran > 20, "{refused} refused, {sound} sound, {ran} ran");
}

#[test]
fn axes_of_2_to_the_50_beside_an_empty_one_are_no_work() {
    let long = 1 << 50;
    let graph = Graph::new();
    let x = graph.input("x", DType::F32, [long, 0, 3]);
    let y = graph.input("y", DType::F32, [long, 3, 0]);
    let wide = graph.input("wide", DType::F32, [long, 0]);
    let values = [
        x.matmul(y),
        x.cast(DType::F64).matmul(y.cast(DType::F64)),
        wide.concatenate(&[wide], 1),
        x.permute(&[2, 1, 0]).exp(),
    ];
    let back: Graph = serde_json::from_str(&serde_json::to_string(&graph).unwrap()).unwrap();
    let values = values.map(|value| back.tensor(value.value()).unwrap());
    let mut inputs = Parameters::new();
    for (name, shape) in [("x", vec![long, 0, 3]), ("y", vec![long, 3, 0]), ("wide", vec![long, 0])]
    {
        inputs.insert(name, Array::zeros(DType::F32, shape));
    }
    let mut session = Session::new(Options { threads: 1, ..Options::default() }).unwrap();
    let planned = session.evaluate(&back, &inputs, &values).unwrap();
    assert!(planned.iter().all(|value| value.data().is_empty()));
    let truth = Evaluation::new(&back, &inputs, &Parameters::new(), &values).unwrap();
    assert!(values.iter().all(|&value| truth.value(value).unwrap().is_empty()));
}
