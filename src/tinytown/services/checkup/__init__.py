"""What `tt doctor` looks at, one noun a module; each gives findings and mends what is safe when it may."""
