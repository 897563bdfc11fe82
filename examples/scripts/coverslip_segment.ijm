// Fiji and ImageJ: the open image → coverslip → its labels, opened, and how many cells there are.
//
// With an open image: Plugins > Macros > Run. Without a window, of a file:
//   java -jar ij.jar -batch examples/scripts/coverslip_segment.ijm "IMAGE,FOLDER,MODEL,COVERSLIP"
// COVERSLIP is the path of the command, which Fiji does not find by itself where it is in a Python environment.

image = ""; folder = ""; model = "nuclei"; command = "coverslip";
words = split(getArgument(), ",");
if (words.length >= 2) {
    image = words[0]; folder = words[1];
    if (words.length > 2) model = words[2];
    if (words.length > 3) command = words[3];
} else {
    Dialog.create("coverslip");
    Dialog.addChoice("Model", newArray("nuclei", "phase", "general"));
    Dialog.addString("Command", command, 40);
    Dialog.show();
    model = Dialog.getChoice();
    command = Dialog.getString();
    folder = getDirectory("temp") + "coverslip" + File.separator;
    File.makeDirectory(folder);
    image = folder + "image.tif";
    saveAs("Tiff", image);
}

said = exec(command, "segment", image, "-o", folder, "--model", model, "--overwrite", "--quiet");
name = File.getName(image);
dot = lastIndexOf(name, ".");
if (dot > 0) name = substring(name, 0, dot);
labels = folder + File.separator + name + "_labels.tif";
if (!File.exists(labels)) exit("coverslip made no labels of " + image + ": " + said);
// A row for each cell, below the heads of the columns.
rows = split(File.openAsString(folder + File.separator + "cells.csv"), "\n");
print("cells: " + (rows.length - 1));
print("labels: " + labels);
if (words.length < 2) open(labels);  // where there is a window
