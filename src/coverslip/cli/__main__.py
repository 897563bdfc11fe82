"""python -m coverslip.cli: the same without the script that an installation makes."""

from coverslip.cli.command_line import main

if __name__ == "__main__":
    main()
