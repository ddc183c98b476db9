//! Profiles of tables: those of scanners, printers and some cameras (`lut8Type`, `lut16Type`, `lutAToBType`, `lutBToAType` of ICC.1).

use moxcms::{
    ColorProfile, DataColorSpace, LutDataType, LutMultidimensionalType, LutStore, LutType, LutWarehouse, Matrix3d,
};

use super::curve::{FromLight, ToLight};
use super::shaper::{Decoder, encoded, level_of};
use super::{SRGB_TO_XYZ, lut};

/// XYZ are written up to nearly 2.
const MOST_XYZ: f32 = 1.0 + 32_767.0 / 32_768.0;
/// White of the space between profiles.
const D50: [f32; 3] = [0.9642, 1.0, 0.8249];

/// What lies between the file and sRGB.
#[derive(Clone, Copy)]
enum Between {
    Xyz,
    /// With 65,280 for the lightness of white in tables of 16 bit, else with all bits set.
    Lab {
        old: bool,
    },
}

pub(super) struct Table {
    forth: (Steps, Between),
    back: Option<(Steps, Between)>,
    xyz_to_srgb: [[f32; 3]; 3],
    srgb_to_xyz: [[f32; 3]; 3],
    encode: FromLight,
    decode: Decoder,
}

impl Table {
    /// Whether a profile is one of tables; these go before its curves, where it has both.
    pub(super) fn is_in(profile: &ColorProfile) -> bool {
        lut(&profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_perceptual).is_some()
    }

    pub(super) fn of(profile: &ColorProfile) -> Option<Self> {
        let steps = |lut: &LutWarehouse, back: bool| {
            let between = match (profile.pcs, lut) {
                (DataColorSpace::Xyz, _) => Between::Xyz,
                (DataColorSpace::Lab, LutWarehouse::Lut(lut)) => Between::Lab { old: lut.lut_type == LutType::Lut16 },
                (DataColorSpace::Lab, _) => Between::Lab { old: false },
                _ => return None,
            };
            Some((Steps::of(lut, back, profile.pcs)?, between))
        };
        let forth = steps(lut(&profile.lut_a_to_b_colorimetric, &profile.lut_a_to_b_perceptual)?, false)?;
        let back = lut(&profile.lut_b_to_a_colorimetric, &profile.lut_b_to_a_perceptual);
        let single = |matrix: Matrix3d| matrix.v.map(|row| row.map(|entry| entry as f32));
        Some(Self {
            forth,
            back: back.and_then(|lut| steps(lut, true)),
            xyz_to_srgb: single(SRGB_TO_XYZ.inverse()),
            srgb_to_xyz: single(SRGB_TO_XYZ),
            encode: FromLight::by(encoded),
            decode: Decoder::new(),
        })
    }

    pub(super) fn has_way_back(&self) -> bool {
        self.back.is_some()
    }

    /// Levels of sRGB of values from 0 to 1.
    pub(super) fn to_levels(&self, values: [f32; 3]) -> [f32; 3] {
        let (steps, between) = &self.forth;
        let xyz = between.to_xyz(steps.apply(values));
        crate::lab::times(&self.xyz_to_srgb, xyz).map(|light| level_of(&self.encode, light))
    }

    /// The nearest values from 0 to 1; black where there is no way back.
    pub(super) fn to_values(&self, levels: [f32; 3]) -> [f32; 3] {
        let Some((steps, between)) = &self.back else { return [0.0; 3] };
        let xyz = crate::lab::times(&self.srgb_to_xyz, levels.map(|level| self.decode.light_of(level)));
        steps.apply(between.of_xyz(xyz))
    }
}

impl Between {
    fn to_xyz(self, values: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Xyz => values.map(|value| value * MOST_XYZ),
            Self::Lab { old } => {
                let [l, a, b] = if old { values.map(|value| value * (65_535.0 / 65_280.0)) } else { values };
                let y = (l * 100.0 + 16.0) / 116.0;
                let x = y + (a * 255.0 - 128.0) / 500.0;
                let z = y - (b * 255.0 - 128.0) / 200.0;
                let light = |value: f32| {
                    if value > 6.0 / 29.0 { value.powi(3) } else { (116.0 * value - 16.0) * (27.0 / 24_389.0) }
                };
                [light(x) * D50[0], light(y) * D50[1], light(z) * D50[2]]
            }
        }
    }

    fn of_xyz(self, xyz: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Xyz => xyz.map(|value| value / MOST_XYZ),
            Self::Lab { old } => {
                let part = |place: usize| {
                    let value = xyz[place] / D50[place];
                    if value > 216.0 / 24_389.0 { value.cbrt() } else { (24_389.0 / 27.0 * value + 16.0) / 116.0 }
                };
                let [x, y, z] = [part(0), part(1), part(2)];
                let lab =
                    [(116.0 * y - 16.0) / 100.0, (500.0 * (x - y) + 128.0) / 255.0, (200.0 * (y - z) + 128.0) / 255.0];
                if old { lab.map(|value| value * (65_280.0 / 65_535.0)) } else { lab }
            }
        }
    }
}

/// What a table does, one step after the other, with three values from 0 to 1.
struct Steps(Vec<Step>);

enum Step {
    Curves([Vec<f32>; 3]),
    Matrix([[f32; 3]; 3], [f32; 3]),
    Grid(Grid),
}

impl Steps {
    fn of(lut: &LutWarehouse, back: bool, between: DataColorSpace) -> Option<Self> {
        let steps = match lut {
            LutWarehouse::Lut(lut) => of_lut(lut, back, between)?,
            LutWarehouse::Multidimensional(lut) => of_multidimensional(lut, back)?,
        };
        Some(Self(steps))
    }

    fn apply(&self, values: [f32; 3]) -> [f32; 3] {
        self.0.iter().fold(values, |values, step| match step {
            Step::Curves(curves) => [0, 1, 2].map(|channel| between_entries(&curves[channel], values[channel])),
            Step::Matrix(matrix, bias) => {
                let product = crate::lab::times(matrix, values);
                [0, 1, 2].map(|row| product[row] + bias[row])
            }
            Step::Grid(grid) => grid.at(values),
        })
    }
}

fn between_entries(entries: &[f32], value: f32) -> f32 {
    let last = entries.len() - 1;
    let place = value.clamp(0.0, 1.0) * last as f32;
    let low = (place as usize).min(last);
    let (from, to) = (entries[low], entries[(low + 1).min(last)]);
    from + (place - low as f32) * (to - from)
}

fn numbers(store: &LutStore) -> Vec<f32> {
    match store {
        LutStore::Store8(values) => values.iter().map(|value| f32::from(*value) / 255.0).collect(),
        LutStore::Store16(values) => values.iter().map(|value| f32::from(*value) / 65_535.0).collect(),
    }
}

fn of_lut(lut: &LutDataType, back: bool, between: DataColorSpace) -> Option<Vec<Step>> {
    if lut.num_input_channels != 3 || lut.num_output_channels != 3 {
        return None;
    }
    let curves = |store: &LutStore, entries: u16| {
        let (all, entries) = (numbers(store), usize::from(entries));
        let curve = |channel: usize| all.get(channel * entries..(channel + 1) * entries).map(<[f32]>::to_vec);
        (entries > 1).then_some(Step::Curves([curve(0)?, curve(1)?, curve(2)?]))
    };
    let mut steps = Vec::new();
    // It is for XYZ alone.
    if back && between == DataColorSpace::Xyz {
        steps.push(Step::Matrix(lut.matrix.v.map(|row| row.map(|entry| entry as f32)), [0.0; 3]));
    }
    steps.push(curves(&lut.input_table, lut.num_input_table_entries)?);
    steps.push(Step::Grid(Grid::new([lut.num_clut_grid_points; 3], &numbers(&lut.clut_table))?));
    steps.push(curves(&lut.output_table, lut.num_output_table_entries)?);
    Some(steps)
}

fn of_multidimensional(lut: &LutMultidimensionalType, back: bool) -> Option<Vec<Step>> {
    if lut.num_input_channels != 3 || lut.num_output_channels != 3 {
        return None;
    }
    let curves = |curves: &[moxcms::ToneReprCurve]| -> Option<Option<Step>> {
        match curves {
            [] => Some(None),
            [first, second, third] => {
                let entries = |curve| {
                    let curve = ToLight::of(curve)?;
                    Some((0..=1_u32 << 16).map(|step| curve.at(step as f32 / 65_536.0)).collect::<Vec<f32>>())
                };
                Some(Some(Step::Curves([entries(first)?, entries(second)?, entries(third)?])))
            }
            _ => None,
        }
    };
    let matrix =
        Step::Matrix(lut.matrix.v.map(|row| row.map(|entry| entry as f32)), lut.bias.v.map(|entry| entry as f32));
    let grid = match &lut.clut {
        Some(clut) => {
            Some(Step::Grid(Grid::new([lut.grid_points[0], lut.grid_points[1], lut.grid_points[2]], &numbers(clut))?))
        }
        None => None,
    };
    let mut steps = vec![curves(&lut.a_curves)?, grid, curves(&lut.m_curves)?, Some(matrix), curves(&lut.b_curves)?];
    if back {
        steps.reverse();
    }
    Some(steps.into_iter().flatten().collect())
}

/// Colours at the points of a grid.
struct Grid {
    sides: [usize; 3],
    points: Vec<[f32; 3]>,
}

impl Grid {
    fn new(sides: [u8; 3], values: &[f32]) -> Option<Self> {
        let sides = sides.map(usize::from);
        let points: Vec<[f32; 3]> = values.as_chunks::<3>().0.to_vec();
        (sides.iter().all(|side| *side > 1) && points.len() == sides.iter().product::<usize>())
            .then_some(Self { sides, points })
    }

    /// Between the points of a tetrahedron, as Sakamoto's patent of 1974 has it and most programs do: along the diagonal of a cell, where greys
    /// lie, nothing of other colours comes in.
    fn at(&self, values: [f32; 3]) -> [f32; 3] {
        let place = [0, 1, 2].map(|axis| values[axis].clamp(0.0, 1.0) * (self.sides[axis] - 1) as f32);
        let low = [0, 1, 2].map(|axis| (place[axis] as usize).min(self.sides[axis] - 2));
        let part = [0, 1, 2].map(|axis| place[axis] - low[axis] as f32);
        // The axes by how far the place is along them, the furthest first.
        let mut axes = [0, 1, 2];
        axes.sort_by(|one, other| part[*other].total_cmp(&part[*one]));
        let mut corner = low;
        let mut colour = self.point(corner).map(|value| value * (1.0 - part[axes[0]]));
        for (index, axis) in axes.into_iter().enumerate() {
            corner[axis] += 1;
            let weight = part[axis] - axes.get(index + 1).map_or(0.0, |next| part[*next]);
            let point = self.point(corner);
            colour = [0, 1, 2].map(|channel| colour[channel] + weight * point[channel]);
        }
        colour
    }

    fn point(&self, [first, second, third]: [usize; 3]) -> [f32; 3] {
        self.points[(first * self.sides[1] + second) * self.sides[2] + third]
    }
}
