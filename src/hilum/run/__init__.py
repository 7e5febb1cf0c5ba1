"""Runs: a recipe carried out, from cohort to report, and the folder that it leaves.

Each verb is a module, and its function bears the same name: ``from hilum.run.train import train``.
"""
