// SPDX-License-Identifier: GPL-2.0-only
//
// rust_threads.rs - one thread of each form in which Rust's std starts one.
//
// rust_threads FORM starts one thread of that form, tells {"form":FORM,"expected":NAME,...} and
// waits until stdin ends; rust_threads --list tells all forms. In the older mangling a closure
// has no number: "legacy" is what is expected then.

use std::io::{Read, Write};
use std::thread;

extern "C" {
    fn gettid() -> i32;
}

// One write for each line, so that lines never mix.
fn tell(line: String) {
    let mut out = std::io::stdout().lock();
    out.write_all((line + "\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn stay(routine: &str) {
    let tid = unsafe { gettid() };
    tell(format!(
        "{{\"thread\":\"{}\",\"pid\":{},\"tid\":{}}}",
        routine,
        std::process::id(),
        tid
    ));
    loop {
        thread::park();
    }
}

// The threads never end, and a scope would wait for its own.
fn wait() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}

mod pool {
    pub struct Job(pub u64);

    impl Job {
        pub fn run(self) {
            super::stay(if self.0 > 0 { "pool::Job::run" } else { "" });
        }
    }

    pub fn work() {
        super::stay("pool::work");
    }
}

fn start_function() {
    thread::spawn(pool::work);
}

fn start_closure() {
    thread::spawn(|| stay("closure"));
}

fn start_capturing() {
    let text = String::from("capturing");
    let number = std::process::id();
    thread::spawn(move || {
        if number > 0 {
            stay(&text)
        }
    });
}

fn start_job() {
    let job = pool::Job(7);
    thread::spawn(move || job.run());
}

fn start_named() {
    let builder = thread::Builder::new().name("given-name".into());
    builder.spawn(|| stay("named")).unwrap();
}

fn start_pointer() {
    let pointer: fn() = pool::work;
    thread::spawn(pointer);
}

fn start_boxed() {
    let text = String::from("boxed");
    let boxed: Box<dyn FnOnce() + Send> = Box::new(move || stay(&text));
    thread::spawn(boxed);
}

fn start_generic<T: Send + Sync + std::fmt::Display + 'static>(value: T) {
    thread::spawn(move || stay(&format!("generic {}", value)));
}

fn start_scoped() {
    let text = String::from("scoped");
    thread::scope(|scope| {
        scope.spawn(|| stay(&text));
        wait();
    });
}

struct Form {
    name: &'static str,
    expected: &'static str,
    legacy: &'static str,
    start: fn(),
}

const FORMS: &[Form] = &[
    Form {
        name: "function",
        expected: "rust_threads::pool::work",
        legacy: "rust_threads::pool::work",
        start: start_function,
    },
    Form {
        name: "closure",
        expected: "rust_threads::start_closure::{closure#0}",
        legacy: "rust_threads::start_closure::{{closure}}",
        start: start_closure,
    },
    Form {
        name: "capturing",
        expected: "rust_threads::start_capturing::{closure#0}",
        legacy: "rust_threads::start_capturing::{{closure}}",
        start: start_capturing,
    },
    Form {
        name: "job",
        expected: "rust_threads::start_job::{closure#0}",
        legacy: "rust_threads::start_job::{{closure}}",
        start: start_job,
    },
    Form {
        name: "named",
        expected: "rust_threads::start_named::{closure#0}",
        legacy: "rust_threads::start_named::{{closure}}",
        start: start_named,
    },
    Form {
        name: "pointer",
        expected: "rust_threads::pool::work",
        legacy: "rust_threads::pool::work",
        start: start_pointer,
    },
    Form {
        name: "boxed",
        expected: "rust_threads::start_boxed::{closure#0}",
        legacy: "rust_threads::start_boxed::{{closure}}",
        start: start_boxed,
    },
    Form {
        name: "generic",
        expected: "rust_threads::start_generic<i32>::{closure#0}",
        legacy: "rust_threads::start_generic<i32>::{{closure}}",
        start: || start_generic(5),
    },
    Form {
        name: "scoped",
        expected: "rust_threads::start_scoped::{closure#0}::{closure#0}",
        legacy: "rust_threads::start_scoped::{{closure}}::{{closure}}",
        start: start_scoped,
    },
];

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();

    if wanted == "--list" {
        FORMS.iter().for_each(|form| tell(form.name.into()));
        return;
    }
    let form = match FORMS.iter().find(|form| form.name == wanted) {
        Some(form) => form,
        None => {
            eprintln!("rust_threads: no form '{}'", wanted);
            std::process::exit(99)
        }
    };
    tell(format!(
        "{{\"form\":\"{}\",\"expected\":\"{}\",\"legacy\":\"{}\",\"source\":\"symbol\",\"pid\":{}}}",
        form.name,
        form.expected,
        form.legacy,
        std::process::id()
    ));
    (form.start)();
    wait();
}
