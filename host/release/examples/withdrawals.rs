//! How often a good release is withdrawn, and how soon a bad one: prints the numbers of `docs/experiments.md`. Takes a minute:
//! `cargo run --release -p ostler-release --example withdrawals`.

#[path = "../tests/withdrawals/population.rs"]
mod population;

use population::{Behaviour, GOOD, withdrawals};

const SHARES: [f64; 4] = [0.01, 0.05, 0.25, 0.5];

fn main() {
    let background = Behaviour { faults: 0.005, ..GOOD };
    println!("Good releases withdrawn, of 400; users differ by 0.4, by 1:");
    for share in SHARES {
        let withdrawn = [0.4, 1.0].map(|habits| withdrawals(400, share, habits, [background; 2]).len());
        println!("{} %: {withdrawn:?}", share * 100.0);
    }
    println!("Bad ones, of 100: caught, half by, 99 by");
    let fails = Behaviour { faults: 0.02, ..GOOD };
    let slow = Behaviour { median: 3.0 * GOOD.median, ..GOOD };
    for (what, bad, habits) in
        [("fails 2 %", fails, 0.4), ("3 times slower, 0.4", slow, 0.4), ("3 times slower, 1", slow, 1.0)]
    {
        for share in SHARES {
            let caught = withdrawals(100, share, habits, [GOOD, bad]);
            println!(
                "{what}, {} %: {} {:?} {:?}",
                share * 100.0,
                caught.len(),
                caught.get(49),
                caught.get(98)
            );
        }
    }
}
