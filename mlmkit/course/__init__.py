"""What opens, copies and hands out the course: the `mlmkit` command, and what follows from a cell's tags.

folder.py     where the course lies, and how it gets into a folder of the reader's own
lab.py        JupyterLab, quiet and on this machine only
command.py    the command line
jupyter/      JupyterLab's configuration: no news, no updates, no extension catalogue
cells.py      the cells of a chapter: tags, and the folds, hidden answers and slides that follow from them
handouts.py   what a class is given
"""
