//! Who may depend on whom. `cargo metadata --no-deps` lists declared dependencies, so optional, platform, build and dev
//! ones count as well.

use super::Violation;
use super::workspace::{Dependency, Member, Workspace};
use crate::metadata::DependencyKind;

/// What a package may use of the workspace.
enum MayUse {
    /// These packages.
    Only(&'static [&'static str]),
    /// These packages, for its tests.
    ForTests(&'static [&'static str]),
}

const LIBRARIES: &[&str] = &[
    "dodge-data",
    "dodge-hparams",
    "dodge-imaging",
    "dodge-juror",
    "dodge-learn",
    "dodge-preprocess",
    "dodge-report",
    "dodge-rl",
    "dodge-studio",
    "dodge-tracking",
];

/// The complete list of edges. A new one is a change of its own, with a sentence in ARCHITECTURE.md.
const EDGES: &[(&str, MayUse)] = &[
    ("dodge-tracking", MayUse::Only(&[])),
    ("dodge-hparams-derive", MayUse::Only(&[])),
    ("dodge-hparams", MayUse::Only(&["dodge-hparams-derive"])),
    ("dodge-learn", MayUse::Only(&["dodge-hparams"])),
    ("dodge-report", MayUse::Only(&[])),
    ("dodge-imaging", MayUse::Only(&[])),
    ("dodge-data", MayUse::Only(&["dodge-hparams", "dodge-imaging"])),
    ("dodge-juror", MayUse::Only(&["dodge-imaging", "dodge-hparams"])),
    (
        "dodge-preprocess",
        MayUse::Only(&["dodge-tracking", "dodge-hparams", "dodge-imaging", "dodge-data", "dodge-juror"]),
    ),
    (
        "dodge-rl",
        MayUse::Only(&[
            "dodge-tracking",
            "dodge-hparams",
            "dodge-imaging",
            "dodge-data",
            "dodge-juror",
            "dodge-preprocess",
            "dodge-learn",
            "dodge-report",
        ]),
    ),
    (
        "dodge-studio",
        MayUse::Only(&["dodge-imaging", "dodge-data", "dodge-juror", "dodge-preprocess", "dodge-learn", "dodge-rl"]),
    ),
    ("dodge-cli", MayUse::Only(LIBRARIES)),
    (
        "dodge-python",
        MayUse::Only(&["dodge-imaging", "dodge-data", "dodge-juror", "dodge-preprocess", "dodge-learn", "dodge-rl"]),
    ),
    ("dodge-tests", MayUse::ForTests(LIBRARIES)),
    // Not even for convenience: xtask must compile in seconds.
    ("xtask", MayUse::Only(&[])),
];

/// A heavy dependency, with every package whose name continues its name (burn, burn-store, ...).
struct Confined {
    family: &'static str,
    /// Packages that may use it freely.
    free: &'static [&'static str],
    /// Packages that may use it as an optional dependency, turned on by this feature and by no default.
    behind_feature: &'static [(&'static str, &'static str)],
    /// Packages that may use it in their tests.
    in_tests: &'static [&'static str],
}

const CONFINED: &[Confined] = &[
    Confined { family: "burn", free: &["dodge-learn"], behind_feature: &[("dodge-juror", "neural")], in_tests: &[] },
    Confined {
        family: "reqwest",
        free: &["dodge-tracking", "dodge-juror"],
        behind_feature: &[("dodge-data", "fetch")],
        in_tests: &[],
    },
    Confined {
        family: "axum",
        free: &["dodge-studio"],
        behind_feature: &[("dodge-data", "service"), ("dodge-juror", "service")],
        // The tests of downloads need a server that misbehaves.
        in_tests: &["dodge-data"],
    },
    Confined { family: "clap", free: &["dodge-cli", "xtask"], behind_feature: &[], in_tests: &[] },
    // Under the LGPL: nothing may need it without the feature.
    Confined { family: "rawler", free: &[], behind_feature: &[("dodge-imaging", "raw")], in_tests: &[] },
    Confined { family: "pyo3", free: &["dodge-python"], behind_feature: &[], in_tests: &[] },
    Confined { family: "plotters", free: &["dodge-report"], behind_feature: &[], in_tests: &[] },
    Confined { family: "anyhow", free: &["dodge-cli", "xtask"], behind_feature: &[], in_tests: &[] },
];

/// Packages of the workspace depend on each other only as [`EDGES`] lists.
pub(super) fn only_listed_edges(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for member in &workspace.members {
        let Some((_, may_use)) = EDGES.iter().find(|(name, _)| *name == member.name) else {
            let message = format!("`{}` is in no list of edges; add it to xtask/src/tidy/edges.rs", member.name);
            violations.push(Violation::new(member.manifest(), 1, message));
            continue;
        };
        for dependency in &member.dependencies {
            if !workspace.members.iter().any(|other| other.name == dependency.name) {
                continue;
            }
            let (allowed, for_tests) = match may_use {
                MayUse::Only(allowed) => (allowed, false),
                MayUse::ForTests(allowed) => (allowed, true),
            };
            if !allowed.contains(&&*dependency.name) {
                let message = format!(
                    "`{}` must not know `{}`; move what it needs, or propose the edge in xtask/src/tidy/edges.rs and \
                     ARCHITECTURE.md",
                    member.name, dependency.name
                );
                violations.push(at(workspace, member, dependency, message));
            } else if for_tests && dependency.kind != DependencyKind::Development {
                let message = format!("`{}` is for tests; move `{}` to dev-dependencies", member.name, dependency.name);
                violations.push(at(workspace, member, dependency, message));
            }
        }
    }
    violations
}

/// Heavy external dependencies appear only where [`CONFINED`] lists them.
pub(super) fn heavy_dependencies_stay_confined(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for member in &workspace.members {
        for dependency in &member.dependencies {
            let Some(confined) = CONFINED.iter().find(|confined| belongs(&dependency.name, confined.family)) else {
                continue;
            };
            let in_tests = dependency.kind == DependencyKind::Development && confined.in_tests.contains(&&*member.name);
            if in_tests || confined.free.contains(&&*member.name) {
                continue;
            }
            let behind = confined.behind_feature.iter().find(|(name, _)| *name == member.name);
            if let Some(message) = match behind {
                Some((_, feature)) => not_behind(member, dependency, feature),
                None => Some(confinement(confined)),
            } {
                let message = format!("`{}` in `{}`: {message}", dependency.name, member.name);
                violations.push(at(workspace, member, dependency, message));
            }
        }
    }
    violations
}

fn belongs(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn confinement(confined: &Confined) -> String {
    let behind = confined.behind_feature.iter().map(|(name, feature)| format!("`{name}` behind `{feature}`"));
    let places = confined.free.iter().map(|name| format!("`{name}`")).chain(behind).collect::<Vec<_>>();
    format!("`{}` belongs to {} alone; remove it here", confined.family, places.join(", "))
}

/// What keeps the dependency from being optional and turned on by the feature alone.
fn not_behind(member: &Member, dependency: &Dependency, feature: &str) -> Option<String> {
    if dependency.kind != DependencyKind::Normal || !dependency.optional {
        return Some(format!("make it optional, behind the feature `{feature}`"));
    }
    let key = &dependency.key;
    let turns_it_on = |value: &String| *value == format!("dep:{key}") || value.starts_with(&format!("{key}/"));
    let by_others = member.features.iter().find(|(name, on)| *name != feature && on.iter().any(turns_it_on));
    if let Some((other, _)) = by_others {
        return Some(format!("the feature `{other}` turns it on; only `{feature}` may (with `dep:{key}`)"));
    }
    let in_default = member.features.get("default").is_some_and(|on| on.iter().any(|value| value == feature));
    in_default.then(|| format!("take `{feature}` out of the default features"))
}

/// A violation at the dependency's line of the manifest.
fn at(workspace: &Workspace, member: &Member, dependency: &Dependency, message: String) -> Violation {
    let path = member.manifest();
    let declares = |line: &str| {
        let rest = line.trim_start().strip_prefix(&*dependency.key);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    let line = workspace.file(&path).map_or(1, |manifest| manifest.line_where(declares));
    Violation::new(path, line, message)
}

#[cfg(test)]
mod tests {
    use super::super::workspace::File;
    use super::super::workspace::sample::member;
    use super::*;
    use crate::metadata::DependencyKind::{Build, Development, Normal};

    #[track_caller]
    fn check(rule: fn(&Workspace) -> Vec<Violation>, members: Vec<Member>, expected: &[&str]) {
        let found = rule(&Workspace { members, files: Vec::new() });
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (violation, words) in found.iter().zip(expected) {
            assert!(violation.to_string().contains(words), "{violation}");
        }
    }

    #[test]
    fn listed_edges_point_to_packages_listed_before() {
        for (index, (name, may_use)) in EDGES.iter().enumerate() {
            let (MayUse::Only(used) | MayUse::ForTests(used)) = may_use;
            for other in *used {
                assert!(EDGES[..index].iter().any(|(earlier, _)| earlier == other), "{name} -> {other} points up");
            }
        }
    }

    #[test]
    fn edges_beyond_the_list_are_found_whatever_their_kind() {
        for (kind, optional) in [(Normal, false), (Normal, true), (Development, false), (Build, false)] {
            let data = member("dodge-data", "crates/data");
            let imaging = member("dodge-imaging", "crates/imaging").uses("dodge-data", kind, optional);
            check(
                only_listed_edges,
                vec![data, imaging],
                &["crates/imaging/Cargo.toml:1: `dodge-imaging` must not know"],
            );
        }
    }

    #[test]
    fn listed_edges_pass() {
        let imaging = member("dodge-imaging", "crates/imaging");
        let juror = member("dodge-juror", "crates/juror").uses("dodge-imaging", Normal, false);
        let tests = member("dodge-tests", "tests").uses("dodge-juror", Development, false);
        check(only_listed_edges, vec![imaging, juror, tests], &[]);
    }

    #[test]
    fn the_derive_crate_is_for_hparams_alone() {
        let derive = member("dodge-hparams-derive", "crates/hparams/derive");
        let hparams = member("dodge-hparams", "crates/hparams").uses("dodge-hparams-derive", Normal, false);
        let cli = member("dodge-cli", "crates/cli").uses("dodge-hparams-derive", Normal, false);
        check(only_listed_edges, vec![derive, hparams, cli], &["`dodge-cli` must not know `dodge-hparams-derive`"]);
    }

    #[test]
    fn whole_program_tests_use_libraries_for_tests_only() {
        let rl = member("dodge-rl", "crates/rl");
        let tests = member("dodge-tests", "tests").uses("dodge-rl", Normal, false);
        check(only_listed_edges, vec![rl, tests], &["move `dodge-rl` to dev-dependencies"]);
    }

    #[test]
    fn an_unlisted_package_is_found() {
        check(only_listed_edges, vec![member("dodge-utils", "crates/utils")], &["is in no list of edges"]);
    }

    #[test]
    fn heavy_dependencies_are_found_outside_their_crates() {
        let cases = [
            ("dodge-imaging", "burn"),
            ("xtask", "burn-store"),
            ("dodge-rl", "reqwest"),
            ("dodge-rl", "burn"),
            ("dodge-cli", "axum"),
            ("dodge-data", "clap_complete"),
            ("dodge-hparams", "anyhow"),
        ];
        for (name, heavy) in cases {
            for kind in [Normal, Development, Build] {
                let member = member(name, "crates/x").uses(heavy, kind, false);
                check(heavy_dependencies_stay_confined, vec![member], &["alone; remove it here"]);
            }
        }
        let at_home = member("dodge-learn", "crates/learn").uses("burn", Normal, false).uses("burner", Normal, false);
        check(heavy_dependencies_stay_confined, vec![at_home], &[]);
        let in_tests = member("dodge-data", "crates/data").uses("axum", Development, false);
        check(heavy_dependencies_stay_confined, vec![in_tests], &[]);
        let built_in = member("dodge-data", "crates/data").uses("axum", Normal, false);
        check(heavy_dependencies_stay_confined, vec![built_in], &["make it optional"]);
    }

    #[test]
    fn a_dependency_behind_a_feature_is_optional_and_off_by_default() {
        let rule = heavy_dependencies_stay_confined;
        let juror = || member("dodge-juror", "crates/juror");
        check(rule, vec![juror().uses("burn", Normal, true).feature("neural", &["dep:burn"])], &[]);
        check(rule, vec![juror().uses("burn", Normal, false)], &["make it optional, behind the feature `neural`"]);
        check(rule, vec![juror().uses("burn", Development, false)], &["make it optional"]);
        let implicit = juror().uses("burn", Normal, true).feature("burn", &["dep:burn"]);
        check(rule, vec![implicit], &["the feature `burn` turns it on; only `neural` may"]);
        let other = juror().uses("burn", Normal, true).feature("fast", &["burn/simd"]);
        check(rule, vec![other], &["the feature `fast` turns it on"]);
        let default =
            juror().uses("burn", Normal, true).feature("neural", &["dep:burn"]).feature("default", &["neural"]);
        check(rule, vec![default], &["out of the default features"]);
        let service = member("dodge-data", "crates/data").uses("axum", Normal, true).feature("service", &["dep:axum"]);
        check(rule, vec![service], &[]);
    }

    #[test]
    fn a_violation_points_at_the_line_of_the_dependency() {
        let manifest = "[package]\n[dependencies]\nburn-store.workspace = true\nburn = { workspace = true }\n";
        let workspace = Workspace {
            members: vec![member("dodge-data", "crates/data").uses("burn", Normal, false)],
            files: vec![File::new("crates/data/Cargo.toml", manifest)],
        };
        let found = heavy_dependencies_stay_confined(&workspace);
        assert_eq!((found.len(), found[0].line), (1, 4), "{found:?}");
    }
}
