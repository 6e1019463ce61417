"""What a model can do, measured: one file a question. `training.evaluate` asks them all, `training.report` writes the answers down."""
