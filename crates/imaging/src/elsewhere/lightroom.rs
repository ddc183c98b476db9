//! The fields of Camera Raw (namespace `crs`), which Lightroom reads too. How it computes with them is not published: what stands
//! here has the meaning and the direction of an edit, and its unit where the fields have one.

use super::curves::{composed, points};
use super::xml::Packet;
use super::{Counterpart, absent, near};
use crate::operation::Argument;
use crate::{Grey, Operation, OperationKind};

const EXPOSURE: &str = "Exposure2012";
const CURVE: &str = "ToneCurvePV2012";
const SATURATION: &str = "Saturation";
const VIBRANCE: &str = "Vibrance";
const GREY: &str = "ConvertToGrayscale";

/// Ends of the slider for exposure, in stops.
const MOST_STOPS: f32 = 5.0;
/// Ends of most other sliders.
const SLIDER: f32 = 100.0;

pub(super) fn counterpart(operation: &Operation, first: bool) -> Counterpart {
    let amount = operation.strength().unwrap_or_default();
    match operation.kind() {
        OperationKind::Exposure if first && amount.abs() <= MOST_STOPS => near(
            EXPOSURE,
            "stops as here, but it rolls the lights off where they clip here; as a later edit it is in the curve",
        ),
        _ if operation.is_curve() => near(
            CURVE,
            "all such edits as one curve (of each channel, where they differ) of up to 16 points, but in the program's own wide colour space",
        ),
        OperationKind::Saturation if amount > 2.0 => near(SATURATION, "the slider ends at twice the saturation"),
        OperationKind::Saturation => near(
            SATURATION,
            "0 is grey and twice is +100, with a formula of its own, and after the curve wherever it stands here",
        ),
        OperationKind::Vibrance => near(VIBRANCE, "dull colours first as here, with a formula of its own"),
        OperationKind::Greyscale if matches!(operation.argument(), Argument::Grey(Grey::Luminosity)) => {
            near(GREY, "grey by the program's own weights")
        }
        kind if kind.changes_size() => {
            absent("a crop is kept in parts of a photo, and a recipe is for photos of any shape")
        }
        OperationKind::Clarity | OperationKind::Sharpen | OperationKind::SharpenEight | OperationKind::UnsharpMask => {
            absent("its slider of that name has no unit that could be compared")
        }
        _ => absent("it has no field of that meaning with a known formula"),
    }
}

/// The packet for operations with the field of each.
pub(super) fn packet(taken: &[(Operation, &'static str)]) -> String {
    let of =
        |wanted: &'static str| taken.iter().filter(move |(_, field)| *field == wanted).map(|(operation, _)| operation);
    let strengths = |wanted| of(wanted).filter_map(Operation::strength);
    let mut fields = vec![("crs:Version", "11.0".to_owned()), ("crs:ProcessVersion", "11.0".to_owned())];
    fields.extend(strengths(EXPOSURE).map(|stops| ("crs:Exposure2012", format!("{stops:+.2}"))));
    // One after the other they multiply; the slider counts from a factor of 1 in hundredths.
    if of(SATURATION).next().is_some() {
        let factor: f32 = strengths(SATURATION).product();
        fields.push(("crs:Saturation", slider(SLIDER * (factor - 1.0))));
    }
    if of(VIBRANCE).next().is_some() {
        fields.push(("crs:Vibrance", slider(SLIDER * strengths(VIBRANCE).sum::<f32>())));
    }
    if of(GREY).next().is_some() {
        fields.push(("crs:ConvertToGrayscale", "True".to_owned()));
    }
    let in_curve: Vec<Operation> = of(CURVE).copied().collect();
    let curves: [_; 3] = std::array::from_fn(|channel| points(&composed(&in_curve, channel)));
    if !in_curve.is_empty() {
        fields.push(("crs:ToneCurveName2012", "Custom".to_owned()));
    }
    fields.push(("crs:HasSettings", "True".to_owned()));
    let mut attributes = vec![("xmlns:crs", "http://ns.adobe.com/camera-raw-settings/1.0/")];
    attributes.extend(fields.iter().map(|(name, value)| (*name, value.as_str())));
    let mut packet = Packet::new(&attributes);
    if !in_curve.is_empty() {
        let straight = vec![(0, 0), (255, 255)];
        let alike = curves[0] == curves[1] && curves[1] == curves[2];
        let [red, green, blue] = if alike { [&straight; 3] } else { [&curves[0], &curves[1], &curves[2]] };
        for (name, curve) in [
            ("crs:ToneCurvePV2012", if alike { &curves[0] } else { &straight }),
            ("crs:ToneCurvePV2012Red", red),
            ("crs:ToneCurvePV2012Green", green),
            ("crs:ToneCurvePV2012Blue", blue),
        ] {
            packet.texts(name, curve.iter().map(|(from, to)| format!("{from}, {to}")));
        }
    }
    packet.finish()
}

/// A whole number with its sign, within the slider.
fn slider(value: f32) -> String {
    let value = value.clamp(-SLIDER, SLIDER).round() as i32;
    if value > 0 { format!("+{value}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::super::{Program, Settings};
    use crate::Recipe;

    fn packet(operations: &str) -> String {
        let operations = operations.split(' ').map(|operation| operation.parse().unwrap()).collect();
        Settings::of(&Recipe::new(operations), Program::Lightroom, "").unwrap().text
    }

    #[test]
    fn sliders_have_their_own_units() {
        let text = packet("exposure:-0.35 saturation:1.2 saturation:1.5 vibrance:-0.25");
        for field in ["crs:Exposure2012=\"-0.35\"", "crs:Saturation=\"+80\"", "crs:Vibrance=\"-25\""] {
            assert!(text.contains(field), "{field} in {text}");
        }
        assert!(!text.contains("ToneCurve"), "{text}");
        assert!(packet("saturation:5").contains("crs:Saturation=\"+100\""));
        assert!(packet("saturation:0").contains("crs:Saturation=\"-100\""));
        assert!(packet("greyscale:luminosity").contains("crs:ConvertToGrayscale=\"True\""));
    }

    #[test]
    fn curves_are_one_where_the_channels_are_alike_and_three_where_not() {
        let without_blanks = |text: String| text.split_whitespace().collect::<String>();
        let alike = without_blanks(packet("lightness:20"));
        let straight = "<rdf:Seq><rdf:li>0,0</rdf:li><rdf:li>255,255</rdf:li></rdf:Seq>";
        assert!(alike.contains("<crs:ToneCurvePV2012><rdf:Seq><rdf:li>0,20</rdf:li>"), "{alike}");
        assert!(alike.contains(&format!("<crs:ToneCurvePV2012Red>{straight}")), "{alike}");
        let apart = without_blanks(packet("invert:b"));
        assert!(apart.contains(&format!("<crs:ToneCurvePV2012>{straight}")), "{apart}");
        assert!(apart.contains(&format!("<crs:ToneCurvePV2012Red>{straight}")), "{apart}");
        let inverted = "<rdf:Seq><rdf:li>0,255</rdf:li><rdf:li>255,0</rdf:li></rdf:Seq>";
        assert!(apart.contains(&format!("<crs:ToneCurvePV2012Blue>{inverted}")), "{apart}");
    }

    #[test]
    fn an_exposure_behind_other_edits_is_in_the_curve() {
        let text = packet("gamma:1.1 exposure:0.5");
        assert!(!text.contains("Exposure2012") && text.contains("ToneCurvePV2012"), "{text}");
    }
}
