"""What opens, copies and hands out the course: the `mlmkit` command.

folder.py     where the course lies, and how it gets into a folder of the reader's own
lab.py        JupyterLab, quiet and on this machine only
command.py    the command line
jupyter/      JupyterLab's configuration: no news, no updates, no extension catalogue
"""
