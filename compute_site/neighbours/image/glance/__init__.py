"""A Glance elsewhere: its images as this site knows images, and their data."""
