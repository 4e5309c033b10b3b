"""What registries, desktop programs and GPU hosts need to run `tsea serve`."""
