// A vanilla recurrent network in Rust, forward and backward; answers `backstep referee --cell elman -- ./elman`.
#![allow(non_snake_case)]
use std::io::{stdin, BufRead};

/// The numbers of a list, nested or not, that follows a key.
fn numbers(q: &str, key: &str, n: usize) -> Vec<f64> {
    let start = q.find(key).expect(key) + key.len();
    let parts = q[start..].split(|c: char| "[],:{} ".contains(c)).filter(|part| !part.is_empty());
    parts.take(n).map(|part| part.parse().expect(key)).collect()
}

/// Lists of lists as JSON: each axis but the first cuts the list before it.
fn json(v: &[f64], shape: &[usize]) -> String {
    let inner: Vec<String> = match shape {
        [] => return format!("{:?}", v[0]),
        [n, rest @ ..] => v.chunks(v.len() / n).map(|part| json(part, rest)).collect(),
    };
    format!("[{}]", inner.join(","))
}

fn answer(q: &str) -> String {
    let size = |key: &str| numbers(q, key, 1)[0] as usize;
    let (T, B, D, H) = (size("\"T\""), size("\"B\""), size("\"D\""), size("\"H\""));
    let (wx, wh, b) = (numbers(q, "\"Wx\"", D * H), numbers(q, "\"Wh\"", H * H), numbers(q, "\"b\"", H));
    let (x, lengths) = (numbers(q, "\"x\"", T * B * D), numbers(q, "\"lengths\"", B));
    let after = |key: &str| &q[q.find(key).expect(key)..];
    let (d_out, mut dh) = (numbers(q, "\"dOutput\"", T * B * H), numbers(after("\"dFinal\""), "\"h\"", B * H));
    let mut h = numbers(after("\"initial\""), "\"h\"", B * H); // [T + 1, B, H]
    for n in 0..T * B {
        for j in 0..H {
            let z = (0..D).map(|d| x[n * D + d] * wx[d * H + j]).sum::<f64>()
                + (0..H).map(|i| h[n * H + i] * wh[i * H + j]).sum::<f64>() + b[j];
            // a row that has ended keeps its state
            h.push(if ((n / B) as f64) < lengths[n % B] { z.tanh() } else { h[n * H + j] });
        }
    }
    let (mut dx, mut dwx, mut dwh, mut db) = (vec![0.0; x.len()], vec![0.0; D * H], vec![0.0; H * H], vec![0.0; H]);
    for n in (0..T * B).rev().filter(|n| ((n / B) as f64) < lengths[n % B]) {
        let mut dh_prev = vec![0.0; H];
        for j in 0..H {
            let now = h[(n + B) * H + j];
            let dz = (dh[n % B * H + j] + d_out[n * H + j]) * (1.0 - now * now);
            (0..D).for_each(|d| dx[n * D + d] += dz * wx[d * H + j]);
            (0..D).for_each(|d| dwx[d * H + j] += x[n * D + d] * dz);
            (0..H).for_each(|i| dh_prev[i] += dz * wh[i * H + j]);
            (0..H).for_each(|i| dwh[i * H + j] += h[n * H + i] * dz);
            db[j] += dz;
        }
        dh[n % B * H..][..H].copy_from_slice(&dh_prev);
    }
    let (output, last) = (json(&h[B * H..], &[T, B, H]), json(&h[T * B * H..], &[B, H]));
    let weights = format!("\"dWx\":{},\"dWh\":{},\"db\":{}", json(&dwx, &[D, H]), json(&dwh, &[H, H]), json(&db, &[H]));
    let gradients = format!("\"dx\":{},\"dh0\":{},{weights}", json(&dx, &[T, B, D]), json(&dh, &[B, H]));
    format!("{{\"id\":{},\"output\":{output},\"final\":{{\"h\":{last}}},\"gradients\":{{{gradients}}}}}", size("\"id\""))
}

fn main() {
    stdin().lock().lines().for_each(|line| println!("{}", answer(&line.expect("a line"))));
}
