/*
 * QuPath: adds the GeoJSON files of `untiled label` or `untiled export` to the images of a project.
 *
 * Open the project and save and close its images (one that is open does not see the change, and saving
 * it later would undo it). Then Automate > Script editor, set the folder below, and Run. An image takes
 * the file that is called as its own file and ".geojson". Objects that earlier runs added are replaced,
 * also those that were edited since; what was drawn in QuPath stays. Written for QuPath 0.4 to 0.7.
 */
import qupath.lib.io.PathIO
import static qupath.lib.scripting.QP.getProject

def folder = new File('/path/to/masks')

/** Our ids are UUIDs of version 5, made from content; those that QuPath makes are random, version 4. */
def isImported(object) {
    return object.getID().version() == 5
}

/** Adds the objects of a file to an image, in place of those that were imported before. */
def importMask(entry, file) {
    def objects = PathIO.readObjects(file.toPath())
    def data = entry.readImageData()
    try {
        def hierarchy = data.getHierarchy()
        hierarchy.removeObjects(hierarchy.getAllObjects(false).findAll { isImported(it) }, true)
        hierarchy.addObjects(objects)
        entry.saveImageData(data)
    } finally {
        data.getServer().close()
    }
    return objects.size()
}

def project = getProject()
if (project == null) {
    println 'Open a project first'
    return
}
if (!folder.isDirectory()) {
    println "There is no folder ${folder}"
    return
}
int images = 0
for (entry in project.getImageList()) {
    def names = [entry.getImageName()]
    entry.getURIs().each { uri -> names << new File(uri.getPath() ?: '').getName() }
    def file = names.unique().collect { new File(folder, it + '.geojson') }.find { it.isFile() }
    if (file == null) {
        println "${entry.getImageName()}: no mask in the folder"
        continue
    }
    try {
        println "${entry.getImageName()}: ${importMask(entry, file)} objects"
        images++
    } catch (Exception problem) {
        println "${entry.getImageName()}: left as it was (${problem.getMessage()})"
    }
}
println "${images} images have masks now"
