//! A page of a made-up run, to look at how it looks: `cargo run -p dodge-report --example sample -- A.jpg B.jpg C.jpg > sample.html`
//!
//! The files are shown as a photo before, after, and as it was.

use std::io::Write;

use dodge_report::{
    Calibration, Cost, Curve, Edit, Frame, FrontierPoint, Measure, Photos, Pictures, Record, Results, Summary, Test,
    Timeline, Undamaged, page,
};

fn main() -> std::io::Result<()> {
    let files: Vec<Vec<u8>> = std::env::args_os().skip(1).map(std::fs::read).collect::<Result<_, _>>()?;
    let record = Record {
        name: "made-up run".to_owned(),
        photos: Some(Photos { source: "made-up photos".to_owned(), splits: Some([320, 40, 40]) }),
        settings: vec![("algorithm".to_owned(), "apg".to_owned()), ("seed".to_owned(), "1".to_owned())],
        results: Some(results()),
        curves: curves(),
        model_step: Some(245_760),
        timeline: timeline(&files),
        tests: (0..80).map(|number| test(number, &files)).collect(),
        ..Record::default()
    };
    std::io::stdout().write_all(page(&record).as_bytes())
}

fn summary(gain_db: f64) -> Summary {
    Summary {
        photos: Some(160),
        mean_psnr_degraded_db: Some(20.3),
        mean_psnr_final_db: Some(20.3 + gain_db),
        improved: Some(0.62),
        worsened: Some(0.08),
        mean_original_score: Some(6.68),
        mean_degraded_score: Some(5.65),
        mean_final_score: Some(6.78),
        undamaged: Undamaged { photos: Some(40), mean_psnr_db: Some(45.1), left_alone: Some(0.6) },
        ..Summary::default()
    }
}

fn results() -> Results {
    let frontier = (0..9).map(f64::from).map(|i| FrontierPoint {
        least_gain_db: Some(0.4 * i),
        mean_gain_db: Some(3.9 - 0.009 * i * i),
        worsened: Some(0.14 / (1.0 + 0.3 * i)),
        undamaged_db: Some(38.0 + 1.4 * i),
        ..FrontierPoint::default()
    });
    let calibration = [(-0.7, 0.4), (0.2, 0.5), (1.5, 2.8), (3.2, 2.9), (5.5, 6.2), (9.0, 9.3)];
    Results {
        damage: Some("standard".to_owned()),
        test: summary(3.67),
        photographs: Some(40),
        gain_interval_db: Some([2.7, 4.72]),
        frontier: frontier.collect(),
        calibration: calibration
            .map(|(expected, gained)| Calibration {
                photos: Some(20),
                expected_db: Some(expected),
                gained_db: Some(gained),
            })
            .to_vec(),
        baselines: [("do_nothing", 0.0), ("random", -0.7), ("best_single_edit", 0.6), ("constant_edit", 0.3)]
            .map(|(name, gain)| (name.to_owned(), summary(gain)))
            .into(),
        costs: [("agent", 0.0, 0.67), ("random", 0.0, 0.02)]
            .map(|(name, asked, milliseconds)| {
                let asked = Some(asked);
                (name.to_owned(), Cost { juror_calls_per_photo: asked, milliseconds_per_photo: Some(milliseconds) })
            })
            .into(),
        steps: Some(300_032),
        wall_seconds: Some(181.8),
    }
}

fn timeline(files: &[Vec<u8>]) -> Option<Timeline> {
    let [before, after, goal, ..] = files else { return None };
    let pictures = [before, after, goal, after];
    let frame = |(index, picture): (usize, &&Vec<u8>)| Frame {
        step: 20_480 * (index as u64 + 1),
        gain_db: index as f64,
        picture: (*picture).clone(),
    };
    let frames = pictures.iter().enumerate().map(frame).collect();
    Some(Timeline { before: Some(before.clone()), goal: Some(goal.clone()), frames })
}

fn curves() -> Vec<Curve> {
    let curve = |name: &str, points: u64, every: u64, value: &dyn Fn(f64) -> f64| Curve {
        name: name.to_owned(),
        points: (1..=points).map(|i| (i * every, value(i as f64 / points as f64))).collect(),
    };
    vec![
        curve("validation/psnr_gain_db", 15, 20_480, &|t| 3.9 * (1.0 - (-4.0 * t).exp()) + 0.1 * (40.0 * t).sin()),
        curve("validation/undamaged_psnr_db", 15, 20_480, &|t| 48.5 + (20.0 * t).sin()),
        curve("train/gain", 200, 1536, &|t| 3.0 * t.sqrt() + 0.2 * (300.0 * t).sin()),
        curve("train/learning_rate", 200, 1536, &|t| 0.001 * (1.0 - t)),
    ]
}

fn test(number: u32, files: &[Vec<u8>]) -> Test {
    let gain = f64::from(number % 13) - 2.5;
    let psnr = 12.0 + f64::from(number * 7 % 17);
    let measure = |psnr_db, score| Measure { psnr_db: Some(psnr_db), score: Some(score) };
    let edit = |label: &str, words: &str, after| Edit {
        label: label.to_owned(),
        words: words.to_owned(),
        after,
        picture: files.get(1).cloned(),
    };
    let (before, after) = (measure(psnr, 5.0), measure(psnr + gain, 6.0 + gain / 10.0));
    Test {
        photo: format!("photo-{number:04}.png"),
        is_damaged: number % 6 != 5,
        before,
        after,
        original_score: Some(6.5),
        expected_gain_db: Some(gain + 0.5),
        edits: if number % 4 == 3 {
            Vec::new()
        } else {
            vec![
                edit("gamma:1.18", "brighten the mid-tones (gamma 1.18)", measure(psnr + gain / 2.0, 5.6)),
                edit("contrast:1.09", "raise the contrast (x1.09)", after),
            ]
        },
        pictures: (number < 12 && files.len() > 2).then(|| Pictures {
            before: files.first().cloned(),
            after: files.get(1).cloned(),
            original: files.get(2).cloned(),
        }),
    }
}
