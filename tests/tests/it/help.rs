//! What `--help` says, and where.

use dodge_tests::Scratch;

#[test]
fn help_lists_the_commands() {
    let help = Scratch::new().dodge(&["--help"]).succeeded();
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!(help.stdout, @"
    Trains an agent to retouch photographs, and lets it retouch yours

    Usage: dodge <COMMAND>

    Commands:
      train        Train an agent on photos and measure it on photos it never saw
      prepare      Prepare photos for a training: fetch, scale, score, damage and split them
      tune         Try hyperparameters: many trainings, of which the best configuration is kept
      evaluate     Measure a model on a folder of photos, or on pairs
      enhance      Let a model retouch photos at their full size
      apply        Replay a recipe on photos
      export       Write a recipe for other programs: as a table of colours, or as settings of their own
      report       Make the report of a run: one page for a browser, without a server
      score        Print the juror's score of photos
      juror        Train a juror on your good photos, or measure one: whether it tells damaged photos from their originals
      params       Show the hyperparameters
      runs         Look at recorded runs, deliver them, and check that nothing is missing
      datasets     List, fetch and verify datasets that have a name
      studio       Look at photos, correct what the model would do, and teach it, in the browser
      serve        Serve other machines until Ctrl-C
      doctor       Look at this machine: devices, tracking, the volume and its cache
      completions  Print a script that lets a shell complete commands and options
      man          Print the manual page of the program, or of one of its commands, for `man`
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version
    ");
}

#[test]
fn help_of_train_explains_every_option() {
    let help = Scratch::new().dodge(&["train", "--help"]).succeeded();
    assert_eq!(help.stderr, "");
    insta::assert_snapshot!(help.stdout, @"
    Train an agent on photos and measure it on photos it never saw

    Usage: dodge train [OPTIONS]

    Options:
          --photos <DIR>
              Train on the photos in this folder and below; without it, on synthetic photos

          --rating <STARS>
              Of these, take those that have so many stars or more, from 1 to 5, in a sidecar (XMP) or in the file (data.least_rating)

          --label <COLOUR>
              Of these, take those that have this label, likewise (data.label)

              Possible values:
              - any:    With a label or without
              - red:    Red, or what Bridge calls Select
              - yellow: Yellow, or Second
              - green:  Green, or Approved
              - blue:   Blue, or Review
              - purple: Purple, or To Do

          --pairs <BEFORE> <AFTER>
              Learn to edit as somebody did: from the photos in one folder before, and in another after; they are matched by name

          --dataset <ID>
              Train on the dataset of this name, fetched if it is not there; `dodge datasets list` shows all

          --synthetic <N>
              Train on this many synthetic photos

          --lessons <DIR>
              Learn from the photos in this folder that have a recipe beside them, as `dodge studio` keeps them

          --model <FILE>
              With --lessons: the model that goes on learning; without it, the model in the box

          --preset <PRESET>
              Start from a preset

              Possible values:
              - quick:   A first look in a minute or two
              - default: What the documentation's figures were measured with
              - long:    Three times the steps of the default
              
              [default: default]

          --config <FILE.toml>
              Then read a configuration file; given again, another one on top

          --set <SECTION.KEY=VALUE>
              Then, after variables such as DODGE_PPO__DISCOUNT, set single values, for example ppo.discount=0.95

          --resume <RUN|DIR|FILE>
              Go on with an interrupted run as if it had never stopped: its name, its id or the first digits of it, its folder, or one of its checkpoint files

          --rescore
              With --resume: go on with another juror than the run began with, which scores the photos anew

          --algo <ALGO>
              The algorithm (training.algorithm)

              Possible values:
              - apg: Analytic policy gradient: moves all sliders at once, along the gradient through the edits; the default
              - ppo: Proximal policy optimisation: learns from any reward, step by step
              - dqn: Deep Q-learning: learns each experience many times

          --damage <DAMAGE>
              How photos are damaged; pairs never are (degrade.damage)

              Possible values:
              - standard: One or two of five kinds, on encoded values: the default, by which figures compare
              - camera:   One to four of exposure, tone curve, white balance, tint and haze, in linear light: as cameras and people make it
              - mixed:    For each photo one of the two, each as likely

          --steps <N>
              Environment steps to train for (training.steps)

          --seed <N>
              Seed of everything random (training.seed)

          --device <DEVICE>
              Where to compute [env: DODGE_DEVICE]

              Possible values:
              - auto: A graphics card if there is one and the networks are large enough, else the processor
              - cpu:  The processor
              - gpu:  A graphics card; `cargo xtask train --device gpu` builds for it

          --juror <classical|FILE|siglip:DIR|URL>
              The juror: classical, a file of `dodge juror train`, an aesthetic predictor that is in a folder, or the address of a juror service
              
              [default: classical]

          --threads <N>
              Threads to use; without it, one per core [env: DODGE_THREADS]

          --experiment <NAME>
              The experiment that the run belongs to [env: MLFLOW_EXPERIMENT_NAME]

          --tracking-uri <local|console|off|URL>
              Where to record: local, console, off, or the address of an MLflow server [env: MLFLOW_TRACKING_URI]

          --out <DIR>
              The run's folder, empty or new; without it, below the volume

          --run-name <NAME>
              The name of the run; without it, one is made up

          --json
              Print the result as one JSON object on the last line

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn every_command_has_help_and_the_program_a_version() {
    let scratch = Scratch::new();
    for command in ["train", "prepare", "tune", "evaluate", "enhance", "apply", "score", "params", "datasets", "doctor"]
    {
        let help = scratch.dodge(&[command, "--help"]).succeeded();
        assert!(help.stdout.contains(&format!("Usage: dodge {command}")), "{help}");
    }
    let version = scratch.dodge(&["--version"]).succeeded();
    assert_eq!(version.stdout.trim(), format!("dodge {}", env!("CARGO_PKG_VERSION")));
    assert!(scratch.files(".").is_empty(), "asking for help writes nothing");
}

#[test]
fn no_command_and_an_unknown_one_are_wrong_usage() {
    let scratch = Scratch::new();
    for (arguments, usage) in [(&[][..], "Usage: dodge <COMMAND>"), (&["params"], "Usage: dodge params <COMMAND>")] {
        let nothing = scratch.dodge(arguments);
        assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(2), ""), "{nothing}");
        assert!(nothing.stderr.contains(usage), "{nothing}");
    }
    let unknown = scratch.dodge(&["trian"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(2), ""), "{unknown}");
    assert!(unknown.stderr.contains("'train'"), "the mistake is guessed: {unknown}");
}
