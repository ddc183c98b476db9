#![doc = include_str!("../README.md")]

mod chart;
mod html;
mod page;
mod palette;
mod record;
mod section;
mod words;

pub use page::page;
pub use record::{
    Calibration, Cost, Curve, Edit, Frame, FrontierPoint, Measure, Photos, Pictures, Record, Results, Summary, Test,
    Timeline, Undamaged,
};
