"""The study: three hypothesis classes on data in the plane that no line separates."""
