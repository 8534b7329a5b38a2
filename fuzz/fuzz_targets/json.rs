//! Mutations of JSON that stay JSON: bytes changed at random rarely get past a parser.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::Value;

/// Changes the JSON at the beginning of `data` (what follows a zero byte stays) in one or two
/// places; one time in three, and where there is no JSON, changes bytes as libFuzzer does.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1);
    let end = data[..size].iter().position(|&byte| byte == 0).unwrap_or(size);
    let json = serde_json::from_slice::<Value>(&data[..end]);
    let Some(mut json) = json.ok().filter(|_| random.below(3) > 0) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..1 + random.below(2) {
        let at = random.below(places(&json));
        if let Some(place) = place(&mut json, &mut { at }) {
            damage(place, &mut random);
        }
    }
    let mut bytes = json.to_string().into_bytes();
    bytes.extend_from_slice(&data[end..size]);
    if bytes.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }
}

fn places(json: &Value) -> usize {
    1 + match json {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

/// The value that is number `at` of the tree, itself being 0.
fn place<'a>(json: &'a mut Value, at: &mut usize) -> Option<&'a mut Value> {
    if *at == 0 {
        return Some(json);
    }
    *at -= 1;
    let children: Vec<&mut Value> = match json {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        let within = places(child);
        if *at < within {
            return place(child, at);
        }
        *at -= within;
    }
    None
}

const WORDS: [&str; 16] = [
    "",
    "f32",
    "f64",
    "i64",
    "bool",
    "Sum",
    "Max",
    "Exp",
    "Matmul",
    "Gather",
    "Select",
    "Reshape",
    "Broadcast",
    "Detach",
    "NaN",
    "inf",
];

fn damage(json: &mut Value, random: &mut Random) {
    match json {
        Value::Array(items) if !items.is_empty() && random.below(4) > 0 => {
            let (one, other) = (random.below(items.len()), random.below(items.len()));
            match random.below(4) {
                0 => drop(items.remove(one)),
                1 => items.swap(one, other),
                2 => items[one] = items[other].clone(),
                _ => items.insert(other, items[one].clone()),
            }
        }
        Value::Object(fields) if !fields.is_empty() && random.below(4) > 0 => {
            let Some(name) = fields.keys().nth(random.below(fields.len())).cloned() else { return };
            let Some(value) = fields.remove(&name) else { return };
            match random.below(3) {
                0 => {}
                1 => drop(fields.insert(WORDS[random.below(WORDS.len())].to_owned(), value)),
                _ => drop(fields.insert(format!("{name}x"), value)),
            }
        }
        Value::String(text) => *text = WORDS[random.below(WORDS.len())].to_owned(),
        Value::Number(number) if random.below(2) == 0 => {
            let near = number.as_i64().unwrap_or(0).wrapping_add(random.below(5) as i64 - 2);
            *json = near.into();
        }
        _ => {
            *json = match random.below(14) {
                0 => 0.into(),
                1 => 1.into(),
                2 => 2.into(),
                3 => 5.into(),
                4 => u32::MAX.into(),
                5 => u64::MAX.into(),
                6 => i64::MIN.into(),
                7 => (1u64 << 40).into(),
                8 => 0.5.into(),
                9 => 1e300.into(),
                10 => Value::Null,
                11 => true.into(),
                12 => Value::Array(Vec::new()),
                _ => WORDS[random.below(WORDS.len())].into(),
            };
        }
    }
}
