//! The JSON Schema says what the registry accepts.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::sections::{features, registry};

fn property(schema: &Value, section: &str, key: &str) -> Value {
    schema["properties"][section]["properties"][key].clone()
}

#[test]
fn numbers_lists_and_options() {
    let schema: Value = serde_json::from_str(&registry().json_schema()).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(
        property(&schema, "ppo", "hidden"),
        json!({
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 8192},
            "maxItems": 8,
            "default": [256, 256],
            "description": "Hidden layer widths.",
        })
    );
    assert_eq!(
        property(&schema, "ppo", "target_kl")["anyOf"],
        json!([{"type": "number", "minimum": 0.0, "maximum": 10.0}, {"const": "none"}])
    );
    assert_eq!(property(&schema, "every-type", "single")["exclusiveMaximum"], 1.0);
    assert_eq!(
        property(&schema, "ppo", "rollout")["description"],
        "Environment steps per rollout. [environment steps]"
    );
}

#[test]
fn every_further_feature() {
    assert_snapshot!(features().json_schema(), @r#"
    {
      "$schema": "http://json-schema.org/draft-07/schema#",
      "additionalProperties": false,
      "properties": {
        "features": {
          "additionalProperties": false,
          "description": "Every further feature of a declaration.",
          "properties": {
            "again": {
              "default": 2,
              "description": "How often to look again.",
              "maximum": 8,
              "minimum": 1,
              "type": "integer"
            },
            "batch": {
              "default": 64,
              "description": "Samples at once.",
              "maximum": 4096,
              "minimum": 1,
              "type": "integer"
            },
            "decay": {
              "anyOf": [
                {
                  "const": "constant",
                  "description": "It keeps its value."
                },
                {
                  "const": "linear",
                  "description": "It falls linearly."
                },
                {
                  "const": "exponential",
                  "description": "It falls by the same ratio again and again."
                },
                {
                  "additionalProperties": false,
                  "description": "It falls linearly.",
                  "properties": {
                    "end": {
                      "default": 0.0,
                      "description": "What is left at the end, as a share of the start.",
                      "maximum": 1.0,
                      "minimum": 0.0,
                      "type": "number"
                    },
                    "kind": {
                      "const": "linear"
                    }
                  },
                  "required": [
                    "kind"
                  ],
                  "type": "object"
                },
                {
                  "pattern": "^linear:",
                  "type": "string"
                },
                {
                  "additionalProperties": false,
                  "description": "It falls by the same ratio again and again.",
                  "properties": {
                    "end": {
                      "default": 0.1,
                      "description": "What is left at the end, as a share of the start.",
                      "maximum": 1.0,
                      "minimum": 1e-6,
                      "type": "number"
                    },
                    "kind": {
                      "const": "exponential"
                    },
                    "stairs": {
                      "default": 10,
                      "description": "How often it falls. [stairs]",
                      "maximum": 1000,
                      "minimum": 1,
                      "type": "integer"
                    }
                  },
                  "required": [
                    "kind"
                  ],
                  "type": "object"
                },
                {
                  "pattern": "^exponential:",
                  "type": "string"
                }
              ],
              "default": {
                "end": 0.0,
                "kind": "linear"
              },
              "description": "How the size falls."
            },
            "files": {
              "default": [
                "x.txt"
              ],
              "description": "What to look at.",
              "items": {
                "type": "string"
              },
              "maxItems": 3,
              "type": "array"
            },
            "folder": {
              "default": "a/b",
              "description": "Where to look.",
              "type": "string"
            },
            "optimizer": {
              "additionalProperties": false,
              "description": "",
              "properties": {
                "beta1": {
                  "default": 0.9,
                  "description": "Memory of the mean.",
                  "exclusiveMaximum": 1.0,
                  "minimum": 0.0,
                  "type": "number"
                },
                "beta2": {
                  "default": 0.999,
                  "description": "Memory of the variance.",
                  "exclusiveMaximum": 1.0,
                  "minimum": 0.0,
                  "type": "number"
                },
                "lr": {
                  "allOf": [
                    {
                      "default": 0.001,
                      "description": "Step size.",
                      "maximum": 1.0,
                      "minimum": 1e-6,
                      "type": "number"
                    }
                  ],
                  "deprecated": true,
                  "description": "Called optimizer.rate now."
                },
                "rate": {
                  "default": 0.001,
                  "description": "Step size.",
                  "maximum": 1.0,
                  "minimum": 1e-6,
                  "type": "number"
                }
              },
              "type": "object"
            },
            "pause": {
              "anyOf": [
                {
                  "anyOf": [
                    {
                      "pattern": "^ *[0-9.]+ *(d|h|min|s|ms) *$",
                      "type": "string"
                    },
                    {
                      "maximum": 60.0,
                      "minimum": 0.0,
                      "type": "number"
                    }
                  ]
                },
                {
                  "const": "none"
                }
              ],
              "default": "none",
              "description": "How long to rest. [seconds]"
            },
            "time_limit": {
              "allOf": [
                {
                  "anyOf": [
                    {
                      "pattern": "^ *[0-9.]+ *(d|h|min|s|ms) *$",
                      "type": "string"
                    },
                    {
                      "maximum": 86400.0,
                      "minimum": 1.0,
                      "type": "number"
                    }
                  ],
                  "default": "90s",
                  "description": "How long to wait. [seconds]"
                }
              ],
              "deprecated": true,
              "description": "Called timeout now."
            },
            "timeout": {
              "anyOf": [
                {
                  "pattern": "^ *[0-9.]+ *(d|h|min|s|ms) *$",
                  "type": "string"
                },
                {
                  "maximum": 86400.0,
                  "minimum": 1.0,
                  "type": "number"
                }
              ],
              "default": "90s",
              "description": "How long to wait. [seconds]"
            },
            "token": {
              "anyOf": [
                {
                  "maxLength": 20,
                  "type": "string"
                },
                {
                  "const": "none"
                }
              ],
              "default": "none",
              "description": "What opens the door.",
              "writeOnly": true
            },
            "twice": {
              "default": false,
              "description": "Whether to look twice.",
              "type": "boolean"
            }
          },
          "type": "object"
        },
        "format_version": {
          "const": 1,
          "description": "The version of the configuration format."
        }
      },
      "title": "Hyperparameters",
      "type": "object"
    }
    "#);
}
