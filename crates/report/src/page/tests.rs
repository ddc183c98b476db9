//! Whole pages.

use super::*;
use crate::record::{
    Calibration, Cost, Curve, Edit, Frame, FrontierPoint, Measure, Photos, Pictures, Results, Summary, Test, Timeline,
    Undamaged,
};

/// A JPEG as far as a page looks into it.
const JPEG: [u8; 14] = [0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0, 160, 0, 240, 3, 0xff, 0xd9];

fn summary(gain_db: f64) -> Summary {
    Summary {
        photos: Some(80),
        mean_original_score: Some(7.25),
        mean_degraded_score: Some(5.99),
        mean_final_score: Some(6.68),
        recovered: Some(0.55),
        success_rate: Some(0.24),
        mean_psnr_degraded_db: Some(20.0),
        mean_psnr_final_db: Some(20.0 + gain_db),
        mean_ssim_final: Some(0.912),
        mean_delta_e_final: Some(6.54),
        improved: Some(0.61),
        worsened: Some(0.05),
        mean_steps: Some(2.2),
        undamaged: Undamaged { photos: Some(20), mean_psnr_db: Some(47.5), left_alone: Some(0.4) },
    }
}

/// A run with everything, and with a name for everything that tries to leave its place.
fn whole(hostile: &str) -> Record {
    let picture = || Some(JPEG.to_vec());
    let measure = Measure { score: Some(6.0), psnr_db: Some(21.0) };
    let test = Test {
        photo: hostile.to_owned(),
        is_damaged: true,
        before: Measure { score: Some(5.0), psnr_db: Some(18.0) },
        after: measure,
        original_score: Some(7.0),
        expected_gain_db: Some(2.5),
        edits: vec![Edit { label: hostile.to_owned(), words: hostile.to_owned(), after: measure, picture: picture() }],
        pictures: Some(Pictures { before: picture(), after: picture(), original: picture() }),
    };
    let point = FrontierPoint {
        least_gain_db: Some(1.0),
        mean_gain_db: Some(1.4),
        improved: Some(0.6),
        worsened: Some(0.05),
        undamaged_db: Some(47.0),
        left_alone: Some(0.4),
    };
    Record {
        name: hostile.to_owned(),
        photos: Some(Photos { source: hostile.to_owned(), splits: Some([160, 20, 20]) }),
        settings: vec![(hostile.to_owned(), hostile.to_owned())],
        hyperparameters: vec![(hostile.to_owned(), hostile.to_owned())],
        results: Some(Results {
            damage: Some(hostile.to_owned()),
            test: summary(1.46),
            photographs: Some(20),
            gain_interval_db: Some([1.02, 1.88]),
            frontier: vec![point, FrontierPoint { worsened: Some(0.02), ..point }],
            calibration: vec![Calibration { photos: Some(7), expected_db: Some(1.0), gained_db: Some(1.5) }],
            baselines: [(hostile.to_owned(), summary(0.0)), ("random".to_owned(), summary(-0.5))].into(),
            costs: [(
                "random".to_owned(),
                Cost { juror_calls_per_photo: Some(157.3), milliseconds_per_photo: Some(9.76) },
            )]
            .into(),
            steps: Some(6144),
            wall_seconds: Some(34.0),
        }),
        curves: vec![
            Curve { name: "validation/psnr_gain_db".to_owned(), points: vec![(1000, 0.5), (2000, 1.4)] },
            Curve { name: format!("train/{hostile}"), points: vec![(1000, 3.0), (2000, f64::NAN)] },
        ],
        model_step: Some(2000),
        timeline: Some(Timeline {
            before: picture(),
            goal: picture(),
            frames: [1000, 2000].map(|step| Frame { step, gain_db: 0.5, picture: JPEG.to_vec() }).to_vec(),
        }),
        tests: vec![test],
        missing: vec![hostile.to_owned()],
    }
}

#[test]
fn a_whole_record_has_all_parts_and_says_them_in_words() {
    let page = page(&whole("run-1"));
    assert!(page.contains(">157.3<") && page.contains(">9.76<"), "what a baseline costs");
    for anchor in ["photos", "baselines", "spread", "learning", "timeline", "edits", "boldness", "settings"] {
        assert!(
            page.contains(&format!("<section id=\"{anchor}\"")) && page.contains(&format!("href=\"#{anchor}\"")),
            "{anchor}"
        );
    }
    let words = [
        "On 20 photographs that were not trained on, 80 times damaged, the agent brings a photo <b>1.46 dB nearer to its original</b>",
        "between +1.02 dB and +1.88 dB (95 of 100 times).",
        "<span class=\"worse\">5 % worse</span>",
        "<span class=\"badge\">better +3.00 dB</span>",
        "<td>0.912</td><td>6.54</td>",
        "the model of this run",
        "160 to learn from, 20 to choose the model by, 20 to test on",
        "1 value is no number that can be drawn, first at environment steps 2k.",
    ];
    for words in words {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<img ").count(), 4 + 4);
    assert_eq!((page.matches(" alt=\"run-1").count(), page.matches(" alt=\"validation photos").count()), (4, 4));
}

#[test]
fn no_text_leaves_its_place_and_nothing_leads_out_of_the_page() {
    let hostile = "</title></style><script>alert(1)</script><img src=//x onerror='a'>\"";
    let page = page(&whole(hostile));
    assert!(!page.contains("<script") && !page.contains("<img src=/") && !page.contains("onerror='"), "escaped");
    for address in ["http://", "https://", "url(", "@import", "src=\"/"] {
        assert!(!page.contains(address), "{address}");
    }
    let sources = page.matches("src=\"").count();
    assert_eq!((sources, page.matches("src=\"data:image/jpeg;base64,").count()), (8, 8));
    assert_eq!(page.matches("</style>").count(), 2);
}

#[test]
fn what_is_missing_is_left_out_and_named() {
    let empty = page(&Record { name: "run-1".to_owned(), missing: vec!["no curves".to_owned()], ..Record::default() });
    assert!(empty.contains("has not been measured") && empty.contains("<li>no curves</li>"), "{empty}");
    assert!(!empty.contains("<section") && !empty.contains("<nav"), "{empty}");
    let mut unknown = whole("run-1");
    let results = unknown.results.as_mut().unwrap();
    results.test = Summary::default();
    results.gain_interval_db = Some([-0.2, 0.4]);
    let page = page(&unknown);
    assert!(page.contains("nothing was measured") && page.contains("may be chance") && !page.contains("NaN"), "{page}");
}

#[test]
fn figures_are_read_by_the_names_of_a_report() {
    let report = r#"{"run_id": "1", "damage": "standard", "photographs": 20, "steps": 10, "test": {"photos": 3, "improved": null,
        "undamaged": {"photos": 1, "mean_psnr_db": 60.0}}, "baselines": {"do_nothing": {"photos": 3}}}"#;
    let results: Results = serde_json::from_str(report).unwrap();
    assert_eq!(
        (results.test.photos, results.test.improved, results.test.undamaged.mean_psnr_db),
        (Some(3), None, Some(60.0))
    );
    assert_eq!((results.photographs, results.steps, results.baselines.len()), (Some(20), Some(10), 1));
    assert!(!results.is_of_pairs());
}
