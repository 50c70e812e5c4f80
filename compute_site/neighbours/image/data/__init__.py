"""The data of images: where they are kept, and what is checked of them."""
