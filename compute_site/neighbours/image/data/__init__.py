"""The data of images: where they are kept, how they come in and go out."""
